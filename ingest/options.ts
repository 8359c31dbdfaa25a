// The option stream: quotes and prints of the nearest expiry around the money, and of every contract that is held.
import { addMs, type SessionDate } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import { type MarketStream, type StreamOptions, startStream } from './market_stream.ts';
import { chooseContracts } from './massive/choose_contracts.ts';
import { discoverContracts, type ListedContract } from './massive/contracts.ts';
import type { StreamWriter } from './stream_writer.ts';

export interface OptionStreamOptions extends StreamOptions {
  readonly restUrl: string;
  readonly underlying: string;
  readonly sessionDate: SessionDate;
  /** How many strikes around the money are streamed, calls and puts. */
  readonly strikes: number;
  /** Last price of the underlying, 1/10,000 dollar; null while none is known. */
  readonly lastPrice: () => number | null;
  readonly signal?: AbortSignal;
}

export interface OptionStream extends MarketStream {
  /**
   * Moves the subscriptions after the price. Resolves when the vendor has acknowledged them, so that from then on the streamed
   * contracts are known.
   */
  recentre(): Promise<void>;
  /** Calls `recentre` every second of the clock until the signal is aborted. */
  follow(signal: AbortSignal): Promise<void>;
  streamed(): readonly OsiSymbol[];
}

/** Name of this stream in ops.stream_marks. */
export const OPTIONS = 'options';

const FOLLOW_MS = 1000;
// A contract is held soon after it was at the money, when it is streamed anyway: looking now and then is enough.
const HELD_CHECK_MS = 10_000;
// The nearest expiry is today's where the underlying has daily expiries, else within a week and the holidays in it.
const DAYS_AHEAD = 10;

/** Discovers the contracts of the nearest expiry and starts the stream. Throws a Failure where there are none. */
export async function startOptions(options: OptionStreamOptions): Promise<OptionStream> {
  let listed: readonly ListedContract[] = [];
  const streamed = new Set<OsiSymbol>();
  const stream = await startStream({ ...options, stream: OPTIONS, market: 'options' }, async (writer) => {
    listed = await nearestExpiry(options);
    // All of them: which strikes are listed must not depend on where the price has been.
    const symbols = listed.map((contract) => contract.symbol);
    await writer.register(symbols, 'option');
    for (const symbol of await heldContracts(writer, options)) streamed.add(symbol);
    return pairsOf([...streamed]);
  });

  let centre: number | null = null;
  let nextCheck = Number.NEGATIVE_INFINITY;
  const recentre = async (): Promise<void> => {
    const price = options.lastPrice();
    if (price === null) return;
    const choice = chooseContracts(listed, price, {
      count: options.strikes,
      ...(centre === null ? {} : { centre_e4: centre }),
    });
    const now = options.clock.now();
    if (choice === null || (choice.centre_e4 === centre && now < nextCheck)) return;
    centre = choice.centre_e4;
    nextCheck = addMs(now, HELD_CHECK_MS);
    const held = await heldContracts(stream.writer, options);
    const wanted = new Set([...choice.contracts.map((each) => each.symbol), ...held]);
    const entering = [...wanted].filter((symbol) => !streamed.has(symbol));
    if (entering.length === 0) return;
    // Leaving first: a connection has a limit, and the acknowledgement of what enters says that what leaves has left.
    const leaving = [...streamed].filter((symbol) => !wanted.has(symbol));
    stream.feed.unsubscribe(pairsOf(leaving));
    for (const symbol of leaving) streamed.delete(symbol);
    for (const symbol of entering) streamed.add(symbol);
    await stream.feed.subscribe(pairsOf(entering));
  };
  const follow = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await recentre();
      await options.clock.sleep(FOLLOW_MS, signal);
    }
  };
  return { ...stream, recentre, follow, streamed: () => [...streamed] };
}

function pairsOf(symbols: readonly OsiSymbol[]): string[] {
  const tickers = symbols.map(toMassive);
  return [...tickers.map((ticker) => `Q.${ticker}`), ...tickers.map((ticker) => `T.${ticker}`)];
}

async function nearestExpiry(options: OptionStreamOptions): Promise<readonly ListedContract[]> {
  const { restUrl, apiKey, underlying, sessionDate, signal } = options;
  for (let days = 0; days <= DAYS_AHEAD; days += 1) {
    const expiration = plusDays(sessionDate, days);
    const query = { restUrl, apiKey, underlying, expiration };
    const { contracts } = await discoverContracts(signal === undefined ? query : { ...query, signal });
    if (contracts.length > 0) return contracts;
  }
  throw new Failure(
    `Massive lists no ${underlying} options that expire within ${DAYS_AHEAD} days of ${sessionDate}`,
    {
      hint: "Check the strategy's underlying, and that the plan includes options.",
    },
  );
}

function plusDays(date: SessionDate, days: number): SessionDate {
  return new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10) as SessionDate;
}

// A contract that has expired is quoted no more.
async function heldContracts(writer: StreamWriter, options: OptionStreamOptions): Promise<OsiSymbol[]> {
  const rows = await writer.query<{ symbol: OsiSymbol }>(
    'select symbol from ops.held_contracts where underlying = $1 and expiration >= $2 order by symbol',
    [options.underlying, options.sessionDate],
  );
  return rows.map((row) => row.symbol);
}
