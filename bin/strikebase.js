#!/usr/bin/env node
// Entry of the `strikebase` command: checks that this Node can run it and that it was compiled, then hands over.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  process.stderr.write(
    `strikebase needs Node 20.11 or newer; this is ${process.version}. Install it from https://nodejs.org.\n`,
  );
  process.exit(1);
}
const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write(
    'strikebase is installed but not compiled: `npm ci` normally does that, and --ignore-scripts or --omit=dev skip it.\n' +
      'Run `npm ci --include=dev && npm run build` in the project folder, then try again.\n',
  );
  process.exit(1);
}
await import(main.href);
