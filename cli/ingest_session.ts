// The sessions of an ingest process: which comes next, waiting for it, and the check of what was stored when it is over.
import { resolve } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { dateOf, formatEastern } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { withClient } from '../db/pool.ts';
import { type CompletenessOptions, checkCompleteness } from '../ingest/completeness.ts';
import type { Recovery } from '../ingest/market_stream.ts';
import { createRestClient } from '../ingest/massive_history/rest_client.ts';
import { isPassing } from '../ingest/patience.ts';
import { currentOrNextSession, describeSession, type MarketSession, rangeOf } from './market_sessions.ts';
import { note } from './terminal.ts';

/** Most megabytes that wait on disk, unless told otherwise. */
export const SPOOL_MB = 2048;
const MEGABYTE = 1_048_576;
const WAIT_STEP_MS = 60_000;
const RETRY_MS = 2000;
// The vendor corrects its aggregates for a while, and gaps of the last minutes are still being filled.
const CHECK_AFTER_MS = 60_000;

/** The session that is on or comes next, once the database tells; null if the signal is aborted before. */
export async function nextSession(
  url: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<MarketSession | null> {
  while (!signal.aborted) {
    try {
      return await withClient({ url, role: 'ingest_writer', name: 'ingest' }, async (client) =>
        currentOrNextSession(client, clock.now()),
      );
    } catch (error) {
      if (!isPassing(error)) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
  return null;
}

/** Resolves when the session's data begins, or when the signal is aborted. */
export async function waitForSession(
  session: MarketSession,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const { from } = rangeOf(session);
  if (clock.now() >= from) return;
  const reason = dateOf(clock.now()) === session.sessionDate ? 'before the session' : 'no session now';
  note(`${reason}; waiting for ${describeSession(session)}, data from ${formatEastern(from).slice(11, 16)}`);
  // A machine that sleeps wakes up with its timers late: looked at every minute, the open is not missed.
  while (!signal.aborted && clock.now() < from) {
    await clock.sleep(Math.min(WAIT_STEP_MS, (from - clock.now()) / 1000), signal);
  }
}

/**
 * What lets a stream of a session survive. Its spool is a folder of its own below STRIKEBASE_DIR: a second process of the same
 * stream is refused.
 */
export function sessionRecovery(
  stream: 'equities' | 'options',
  session: MarketSession,
  { config, spoolMb = SPOOL_MB }: { readonly config: Config; readonly spoolMb?: number },
): Recovery {
  const { tsOpen, tsClose, tsOptionClose } = session;
  return {
    restUrl: config.massiveRestUrl,
    range: stream === 'equities' ? rangeOf(session) : { from: tsOpen, to: tsOptionClose },
    busy: { from: tsOpen, to: tsClose },
    spool: { dir: resolve(config.strikebaseDir, 'spool', stream), maxBytes: spoolMb * MEGABYTE },
  };
}

type CheckOptions = Omit<CompletenessOptions, 'rest'> & { readonly restUrl: string; readonly apiKey: string };

/** Compares the session with the vendor's aggregates and says in a line what came of it; a vendor that refuses is no error. */
export async function checkSession(options: CheckOptions): Promise<string> {
  const { restUrl, apiKey, clock, signal } = options;
  await clock.sleep(CHECK_AFTER_MS, signal);
  const rest = createRestClient({ restUrl, apiKey, perMinute: null, clock });
  try {
    const { minutes, short } = await checkCompleteness({ ...options, rest });
    return `${minutes} minutes checked against the vendor’s aggregates, ${short} are short`;
  } catch (error) {
    return `not checked against the vendor’s aggregates: ${errorText(error)}`;
  }
}
