// An hour and a half of simulated seconds in the database: what a live run reads, written by the stream writer of live.
import { addMs, type EasternUs, parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { mapFrame } from '../ingest/massive/mapper.ts';
import { type LiveFeeds, simulatedFeeds } from '../ingest/stream_feed.ts';
import { createStreamWriter, type StreamWriter } from '../ingest/stream_writer.ts';
import { createTape, type TapeSecond } from '../sim/tape.ts';
import { SYMBOL } from './market_data.ts';

export interface SecondData {
  readonly feeds: LiveFeeds;
  readonly from: EasternUs;
  /** Where the slices of one second begin: the strategy's entry window has opened. */
  readonly sliceFrom: EasternUs;
  readonly quotes: number;
}

const DATE = '2026-03-20' as SessionDate;
const SEED = 1;
// A socket's delay: rows are received that long after their second.
const DELAY_MS = 20;
const SECONDS_A_BATCH = 30;

function at(time: string): EasternUs {
  const us = parseEastern(`${DATE} ${time}`);
  if (us === null) throw new Error(`not a time: ${time}`);
  return us;
}

/** Writes the session's beginning, from before the open to `sliceFrom` + `seconds`. */
export async function writeSeconds(url: string, seconds: number): Promise<SecondData> {
  const feeds = simulatedFeeds('bench');
  const sliceFrom = at('10:00');
  const tape = createTape({
    sessionDate: DATE,
    tsOpen: at('09:30'),
    tsClose: at('16:00'),
    seed: SEED,
    prints: false,
  });
  const [ticks, quotes] = await Promise.all([
    createStreamWriter({ url, stream: 'equities', feed: feeds.ticks }),
    createStreamWriter({ url, stream: 'options', feed: feeds.quotes }),
  ]);
  await ticks.register([SYMBOL], 'equity');
  await quotes.register(
    tape.contracts.map((contract) => contract.symbol),
    'option',
  );
  let written = 0;
  let batch: TapeSecond[] = [];
  const end = addMs(sliceFrom, (seconds + 1) * 1000);
  for (const second of tape.seconds()) {
    if (second.ts >= end) break;
    batch.push(second);
    if (batch.length < SECONDS_A_BATCH) continue;
    written += await writeBatch({ ticks, quotes }, batch);
    batch = [];
  }
  await Promise.all([ticks.close(), quotes.close()]);
  return { feeds, from: tape.session.tsStart, sliceFrom, quotes: written };
}

async function writeBatch(
  to: { readonly ticks: StreamWriter; readonly quotes: StreamWriter },
  batch: readonly TapeSecond[],
): Promise<number> {
  const frames = batch.map(({ ts, events }) => {
    const tsRecv = addMs(ts, 1000 + DELAY_MS);
    const frame = (market: 'stocks' | 'options') =>
      mapFrame(JSON.stringify(events[market].map(({ event }) => event)), tsRecv);
    return { ticks: frame('stocks').ticks, quotes: frame('options').quotes };
  });
  const last = batch.at(-1);
  const completeTo = addMs(last?.ts ?? (0 as EasternUs), 1000);
  const common = { trades: [], rejected: [], completeTo, receivedAt: addMs(completeTo, DELAY_MS) };
  await to.ticks.write({ ...common, ticks: frames.flatMap(({ ticks }) => ticks), quotes: [] });
  const { inserted } = await to.quotes.write({
    ...common,
    ticks: [],
    quotes: frames.flatMap(({ quotes }) => quotes),
  });
  return inserted;
}
