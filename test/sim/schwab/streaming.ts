// A simulator with a client of its streamer that has logged in.
import { expect } from 'vitest';
import type { SchwabSimulatorOptions } from '../../../sim/schwab/settings.ts';
import { type StreamClient, streamClient } from './stream_client.ts';
import { type Bench, bench } from './support.ts';

export interface Streaming extends Bench {
  readonly client: StreamClient;
  readonly token: string;
}

export async function streaming(options: SchwabSimulatorOptions = {}): Promise<Streaming> {
  const at = await bench(options);
  const token = at.simulator.oauth.login().access_token;
  const client = await streamClient(at.simulator, token);
  expect(await client.login(token)).toBe(0);
  return { ...at, client, token };
}

const QUOTE_FIELDS = { fields: '0,2,3,16,17,28,38' };

export function subscribeQuotes(client: StreamClient, keys: string, command = 'SUBS'): Promise<number> {
  return client.command('LEVELONE_OPTIONS', command, { keys, ...QUOTE_FIELDS });
}

export function subscribeActivity(client: StreamClient): Promise<number> {
  return client.command('ACCT_ACTIVITY', 'SUBS', { keys: 'Account Activity', fields: '0,1,2,3' });
}

/** A command that is answered after everything sent before it has arrived. */
export async function barrier(client: StreamClient): Promise<void> {
  await client.command('CHART_EQUITY', 'SUBS', { keys: 'QQQ', fields: '0' });
}

/** Types of the account activity so far. */
export function activityTypes(client: StreamClient): string[] {
  return client.contents('ACCT_ACTIVITY').map((item) => item['2']);
}
