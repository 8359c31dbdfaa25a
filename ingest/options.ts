// The option stream: quotes and prints of the nearest expiry around the money, and of every contract that is held.
import { systemClock } from '../core/clock.ts';
import { addMs, dateOf, type EasternUs, formatEastern, type SessionDate } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import { raiseAlert } from './alerts.ts';
import { fillOptions } from './fill.ts';
import type { DataRange } from './gap_ledger.ts';
import { createHeldWatch, type HeldChange, type HeldWatch } from './held_watch.ts';
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
   * Moves the subscriptions after the price, and looks whether held contracts are still quoted. Resolves when the vendor has
   * acknowledged them, so that from then on the streamed contracts are known.
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
// A database that is away must not keep the subscriptions from following the price.
const HELD_WAIT_MS = 2000;
const CONTRACT_MUTE_AFTER_MS = 30_000;
// The nearest expiry is today's where the underlying has daily expiries, else within a week and the holidays in it.
const DAYS_AHEAD = 10;
// A contract that was quoted so shortly before a gap was streamed when it began.
const STREAMED_BEFORE_MS = 300_000;
const wallClock = systemClock();

/** Discovers the contracts of the nearest expiry and starts the stream. Throws a Failure where there are none. */
export async function startOptions(options: OptionStreamOptions): Promise<OptionStream> {
  let listed: readonly ListedContract[] = [];
  const streamed = new Set<OsiSymbol>();
  const watch: { held: HeldWatch | null } = { held: null };
  const stream = await startStream(
    {
      ...options,
      stream: OPTIONS,
      market: 'options',
      // A contract is streamed from when it comes near the money: what was before is not missed.
      needsHistory: false,
      fillOf: (parts) =>
        fillOptions(parts, (range) => contractsIn(range, options, { writer: parts.writer, streamed })),
      onQuotes: (quotes) => watch.held?.observe(quotes, options.clock.now()),
      onScanned: (quotes) => watch.held?.observeColumns(quotes, options.clock.now()),
    },
    async (writer) => {
      watch.held = heldWatch(options, writer);
      listed = await nearestExpiry(options);
      // All of them: which strikes are listed must not depend on where the price has been.
      const symbols = listed.map((contract) => contract.symbol);
      await writer.register(symbols, 'option');
      for (const symbol of await heldContracts(writer, options)) streamed.add(symbol);
      return pairsOf([...streamed]);
    },
  );
  const recentre = createRecentring({ options, stream, listed, streamed, watch: watch.held });
  const follow = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await recentre();
      await options.clock.sleep(FOLLOW_MS, signal);
    }
  };
  return { ...stream, recentre, follow, streamed: () => [...streamed] };
}

interface Recentring {
  readonly options: OptionStreamOptions;
  readonly stream: MarketStream;
  readonly listed: readonly ListedContract[];
  /** Kept up to date. */
  readonly streamed: Set<OsiSymbol>;
  readonly watch: HeldWatch | null;
}

function createRecentring({ options, stream, listed, streamed, watch }: Recentring): () => Promise<void> {
  let centre: number | null = null;
  let held: readonly OsiSymbol[] = [...streamed];
  let nextCheck = Number.NEGATIVE_INFINITY;

  async function lookAtHeld(): Promise<void> {
    const looking = heldContracts(stream.writer, options).then((symbols) => {
      held = symbols;
    });
    if (options.pacing === 'lockstep') return looking;
    // Should the wait be over first, nobody awaits it.
    looking.catch(() => undefined);
    await Promise.race([looking, wallClock.sleep(HELD_WAIT_MS)]);
  }

  async function move(wanted: ReadonlySet<OsiSymbol>): Promise<void> {
    const entering = [...wanted].filter((symbol) => !streamed.has(symbol));
    if (entering.length === 0) return;
    // Leaving first: a connection has a limit, and the acknowledgement of what enters says that what leaves has left.
    const leaving = [...streamed].filter((symbol) => !wanted.has(symbol));
    stream.feed.unsubscribe(pairsOf(leaving));
    for (const symbol of leaving) streamed.delete(symbol);
    for (const symbol of entering) streamed.add(symbol);
    await stream.feed.subscribe(pairsOf(entering));
  }

  return async () => {
    const now = options.clock.now();
    watch?.check(held, now);
    const price = options.lastPrice();
    if (price === null) return;
    const choice = chooseContracts(listed, price, {
      count: options.strikes,
      ...(centre === null ? {} : { centre_e4: centre }),
    });
    if (choice === null || (choice.centre_e4 === centre && now < nextCheck)) return;
    centre = choice.centre_e4;
    nextCheck = addMs(now, HELD_CHECK_MS);
    await lookAtHeld();
    await move(new Set([...choice.contracts.map((each) => each.symbol), ...held]));
  };
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

function heldWatch(options: OptionStreamOptions, writer: StreamWriter): HeldWatch | null {
  const { recovery, onNotice } = options;
  if (recovery === undefined) return null;
  const { busy, contractMuteAfterMs = CONTRACT_MUTE_AFTER_MS } = recovery;
  const tell = async ({ symbol, state, at, reason }: HeldChange): Promise<void> => {
    onNotice?.(`${OPTIONS}: ${symbol}, which is held, is ${state}${reason === null ? '' : `: ${reason}`}`);
    await writer.noteState({ state, at, reason, symbol });
    if (state !== 'mute') return;
    const key = `feed-${symbol.replaceAll(' ', '')}-mute-${dateOf(at)}`;
    await raiseAlert(writer, {
      key,
      severity: 'critical',
      text: `${symbol} is held and has no quotes: ${reason}`,
      at,
    });
  };
  return createHeldWatch({
    muteAfterMs: contractMuteAfterMs,
    isBusy: (now) => now >= busy.from && now < busy.to,
    onChange: (change) => {
      // Told again at the next change; a database that is away is the stream's own concern.
      tell(change).catch(() => undefined);
    },
  });
}

const STREAMED_SQL = `
  select i.symbol
  from ref.instruments i
  join ref.instruments u on u.instrument_id = i.underlying_id
  where u.symbol = $1
    and i.expiration >= $3::timestamp::date
    and i.expiration <= $3::timestamp::date + ${DAYS_AHEAD}
    and exists (
      select from market.option_quotes q
      where q.instrument_id = i.instrument_id and q.feed_id = $2 and q.ts_event >= $3 and q.ts_event < $4
    )
  order by i.symbol`;

/** The contracts that were streamed in a range, as far as it can be known: those quoted in it or before it, and today's. */
async function contractsIn(
  range: DataRange,
  { underlying, recovery }: OptionStreamOptions,
  at: { readonly writer: StreamWriter; readonly streamed: ReadonlySet<OsiSymbol> },
): Promise<readonly OsiSymbol[]> {
  const from: EasternUs = addMs(range.from, -STREAMED_BEFORE_MS);
  const values = [underlying, at.writer.feedId, formatEastern(from), formatEastern(range.to)];
  const rows = await at.writer.query<{ symbol: OsiSymbol }>(STREAMED_SQL, values);
  const isToday = recovery === undefined || range.to > recovery.range.from;
  return [...new Set([...rows.map((row) => row.symbol), ...(isToday ? at.streamed : [])])];
}
