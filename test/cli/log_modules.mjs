// Given to node by --import: writes the address of every module that is loaded to standard error.
import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Hooks live in a thread of their own, which loads this file again.
if (isMainThread) register(import.meta.url);

export async function load(url, context, next) {
  writeSync(2, `loads ${url}\n`);
  return next(url, context);
}
