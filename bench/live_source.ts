// A child process of live_load: the simulated vendor in real time, and on top of it quotes at a fixed rate that wait for nobody.
import { type SimulatedSchwab, startSimulatedSchwab } from '../cli/simulated_schwab.ts';
import { systemClock } from '../core/clock.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import { toMassive } from '../core/osi_symbol.ts';
import type { SchwabConfig } from '../jobs/brokers/schwab/schwab_broker.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../sim/massive_server.ts';
import type { SessionArguments } from '../sim/session.ts';
import type { Market, WireEvent } from '../sim/wire.ts';
import { quantile } from './support.ts';

export const API_KEY = 'bench-live-load';

/** What the parent asks for: the market first, then floods of quotes. */
export type SourceOrder =
  | {
      readonly kind: 'open';
      readonly session: SessionArguments;
      readonly strikesEachSide: number;
      /** Folder of the tokens of a simulated Schwab on the same market; null for none. */
      readonly brokerFolder: string | null;
    }
  | { readonly kind: 'send'; readonly rate: number; readonly seconds: number };

export type SourceNews =
  | {
      readonly kind: 'opened';
      readonly wsUrl: string;
      readonly restUrl: string;
      readonly contracts: number;
      /** How the simulated Schwab is reached. */
      readonly broker: SchwabConfig | null;
    }
  | SentQuotes;

export interface SentQuotes {
  readonly kind: 'sent';
  readonly quotes: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** OSI symbol and epoch milliseconds of the last quote. */
  readonly lastSymbol: string;
  readonly lastMs: number;
  /** How far the sender was behind its own pace. */
  readonly lateMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const TURN_MS = 5;
const DELAYS = { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 20, rejectMs: 0 };
const QUOTES_A_FRAME = 100;
// Above every sequence of the tape.
const FIRST_SEQUENCE = 6_000_000_000;

interface Source {
  readonly market: MassiveSimulator;
  readonly schwab: SimulatedSchwab | null;
  readonly symbols: readonly string[];
  /** By contract: the simulator's last quote of it as JSON, up to its time. */
  readonly beginnings: string[];
  sequence: number;
}

async function open({
  session,
  strikesEachSide,
  brokerFolder,
}: SourceOrder & { kind: 'open' }): Promise<Source> {
  const schwab =
    brokerFolder === null
      ? null
      : await startSimulatedSchwab({ clock: systemClock(), folder: brokerFolder, delays: DELAYS });
  const beginnings: string[] = [];
  const places = new Map<unknown, number>();
  const market = await startMassiveSimulator({
    ...{ ...session, seed: 11, speed: 1, stepMs: 100, pacing: 'free', apiKey: API_KEY, strikesEachSide },
    from: wholeSecondNow(),
    onEvents: (of: Market, events: readonly WireEvent[]) => {
      schwab?.onEvents(of, events);
      if (of !== 'options') return;
      for (const { event } of events) {
        const place = event.ev === 'Q' ? places.get(event.sym) : undefined;
        if (place !== undefined) beginnings[place] = beginningOf(event);
      }
    },
  });
  const symbols = market.contracts.map(({ symbol }) => symbol);
  for (const [n, symbol] of symbols.entries()) {
    const sym = toMassive(symbol);
    places.set(sym, n);
    beginnings.push(beginningOf({ sym, bp: 1.2, bs: 5, ap: 1.25, as: 7 }));
  }
  market.begin();
  return { market, schwab, symbols, beginnings, sequence: FIRST_SEQUENCE };
}

function wholeSecondNow(): EasternUs {
  const now = systemClock().now();
  return (now - (now % 1_000_000)) as EasternUs;
}

function beginningOf({ sym, bp, bs, ap, as }: Readonly<Record<string, unknown>>): string {
  return `{"ev":"Q","sym":"${sym}","bx":302,"bp":${bp},"bs":${bs},"ax":308,"ap":${ap},"as":${as},"t":`;
}

/** Sends on schedule whatever the clients do; a turn that comes late sends all that is due. */
async function send(source: Source, rate: number, seconds: number): Promise<SentQuotes> {
  const total = rate * seconds;
  const firstSeq = source.sequence;
  const began = performance.now();
  const lateMs: number[] = [];
  let sent = 0;
  let lastMs = 0;
  while (sent < total) {
    const elapsed = performance.now() - began;
    const due = Math.min(total, Math.floor((elapsed * rate) / 1000));
    if (due > sent) lateMs.push(elapsed - (sent * 1000) / rate);
    lastMs = Date.now();
    while (sent < due) {
      const count = Math.min(QUOTES_A_FRAME, due - sent);
      source.market.inflict('options', { kind: 'say', data: frame(source, count, lastMs) });
      sent += count;
    }
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  const lastSeq = source.sequence - 1;
  return {
    ...{ kind: 'sent', quotes: sent, firstSeq, lastSeq, lastMs },
    lastSymbol: source.symbols[lastSeq % source.symbols.length] ?? '',
    lateMs: { p50: quantile(lateMs, 0.5), p99: quantile(lateMs, 0.99), max: quantile(lateMs, 1) },
  };
}

function frame(source: Source, count: number, ms: number): string {
  const { beginnings } = source;
  let text = '[';
  for (let i = 0; i < count; i += 1) {
    const seq = source.sequence;
    source.sequence += 1;
    text += `${i === 0 ? '' : ','}${beginnings[seq % beginnings.length]}${ms},"q":${seq}}`;
  }
  return `${text}]`;
}

let source: Source | null = null;

async function obey(order: SourceOrder): Promise<SourceNews> {
  if (order.kind === 'open') {
    source = await open(order);
    const { wsUrl, restUrl, contracts } = source.market;
    const broker = source.schwab?.config ?? null;
    return { kind: 'opened', wsUrl, restUrl, contracts: contracts.length, broker };
  }
  if (source === null) throw new Error('the market is not open');
  return send(source, order.rate, order.seconds);
}

// Imported for its types and key it does nothing.
if (process.argv[1]?.endsWith('live_source.js')) {
  process.on('disconnect', () => process.exit());
  process.on('message', (order: SourceOrder) => {
    obey(order).then(
      (news) => process.send?.(news),
      (error: unknown) => {
        process.stderr.write(`live_source: ${error}\n`);
        process.exit(1);
      },
    );
  });
}
