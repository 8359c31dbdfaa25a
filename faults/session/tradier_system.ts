// spx_credit_vertical on chains of a simulated Tradier, with its orders there.
import { formatOsi } from '../../core/osi_symbol.ts';
import { type SessionArguments, sessionHours } from '../../sim/session.ts';
import type { Fault, Operation } from '../../sim/tradier/faults.ts';
import type { MarketRow, TradierMarket } from '../../sim/tradier/market.ts';
import { startTradierSimulator } from '../../sim/tradier/server.ts';
import { spxDay } from '../../sim/tradier/spx_day.ts';
import { classOf, isFresh } from './broker_faults.ts';
import { planOf } from './plan.ts';
import { performPolled } from './tradier_deeds.ts';
import { isPolled, READ_FAULTS, READS, TRADIER_KILLS, TRADIER_REPERTOIRE } from './tradier_plan.ts';
import { checkDue } from './tradier_stored.ts';
import type { SessionVenue, System, VenueOptions } from './venue.ts';

const STRATEGY = 'spx_credit_vertical';
const PRICE = 6000;
const CONTRACTS = 3;
const READ_RATE = 0.03;
const MINUTE_MS = 60_000;
const SNAPSHOT_MINUTES = 5;
const WHOLE_PLAN_MINUTES = 180;
// As ref.strategies has it; up to 16:10 at most.
const MAX_SLOTS = 40;
const OPEN_MINUTE = 9 * 60 + 30;
// Far from what is traded, and cheap.
const BY_HAND = { root: 'SPXW', option_kind: 'put', strike_e4: 56_500_000 } as const;

/** Slots after 09:30, as many as there may be: the buffers leave those of the session. */
function entryTimes(everyMinutes: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const slots = Array.from({ length: MAX_SLOTS }, (_, n) => OPEN_MINUTE + (n + 1) * everyMinutes);
  return slots.map((minute) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`).join(',');
}

// A trade wherever there is none, exits that come, and nothing held over night.
function settings(minutes: number): Readonly<Record<string, unknown>> {
  return {
    ...(minutes >= WHOLE_PLAN_MINUTES
      ? { period_ms: 10 * MINUTE_MS, entry_times: entryTimes(10) }
      : { period_ms: MINUTE_MS, entry_times: entryTimes(1), front_buffer_min: 0, back_buffer_min: 1 }),
    ...{ max_entries_per_day: null, stop_ends_day: false, flat_at_close: true, contracts: CONTRACTS },
    ...{ max_orders_per_day: 1000, max_orders_per_minute: 20, max_day_loss: 1_000_000 },
    ...{ take_profit_ratio: 0.95, stop_loss_ratio: 1.07 },
  };
}

export const TRADIER_SYSTEM: System = {
  strategy: STRATEGY,
  // Its own, at whatever broker.
  account: STRATEGY,
  settings,
  processes: ['ingest-tradier', 'advance', 'orders-submit', 'orders-reconcile'],
  hours: (minutes) =>
    minutes >= WHOLE_PLAN_MINUTES
      ? { open: '09:30', leadMs: 8 * MINUTE_MS, afterMs: 17 * MINUTE_MS }
      : { open: '09:30', leadMs: 0.75 * MINUTE_MS, afterMs: MINUTE_MS },
  minMinutes: 6,
  contracts: CONTRACTS,
  ...{ hasSpreads: true, keepsBooks: false },
  plan: (session, seed) => {
    return planOf(session, seed, isWhole(session) ? TRADIER_REPERTOIRE : TRADIER_KILLS);
  },
  open,
};

function isWhole({ tsOpen, tsClose }: SessionArguments): boolean {
  return (tsClose - tsOpen) / 1000 / MINUTE_MS >= WHOLE_PLAN_MINUTES;
}

async function open({ clock, seed, session, port, folder }: VenueOptions): Promise<SessionVenue> {
  const market = spxDay({ seed, session: sessionHours(session), price: PRICE });
  let isOdd = false;
  const simulator = await startTradierSimulator({
    // As on a live account.
    ...{ clock, seed, hours: 'always', limits: { standard: 120, market: 120, trading: 60 } },
    market: distorted(market, () => isOdd),
  });
  // In a short session there is a slot every minute.
  const snapshotMinutes = isWhole(session) ? SNAPSHOT_MINUTES : 1;
  const distort = (odd: boolean): void => {
    isOdd = odd;
  };
  const lastChain = () => simulator.requests().findLast(({ operation }) => operation === 'GET chains')?.at;
  return {
    ledger: simulator.ledger,
    variables: {
      ...{ STRIKEBASE_DIR: `${folder}/data`, STRIKEBASE_PORT: String(port), BROKER: 'tradier' },
      ...{ TRADIER_TOKEN: simulator.token, TRADIER_BASE_URL: simulator.restUrl },
      TRADIER_SNAPSHOT_MINUTES: String(snapshotMinutes),
    },
    begin: () => undefined,
    misbehave: (isOn) =>
      simulator.misbehave(isOn ? { seed, rate: READ_RATE, faults: READ_FAULTS, operations: READS } : null),
    script: ({ operation, fault }) => simulator.script.next(operation as Operation, fault as Fault),
    injected: () =>
      simulator.script.injected().map(({ operation, fault }) => ({
        ...{ id: classOf(operation, fault), what: `${operation}: ${fault.kind}` },
      })),
    isJust: (moment, now) =>
      isFresh(moment === 'order' ? simulator.ledger.orders().at(-1)?.enteredAt : lastChain(), now),
    perform: (stage, deed) => {
      if (!isPolled(deed)) throw new Error(`nothing is streamed here: ${deed.kind}`);
      return performPolled(stage, { simulator, distort }, deed);
    },
    buyByHand: async () => {
      const expiration = market.expirations('$SPX', clock.now()).at(-1);
      if (expiration === undefined) return null;
      const symbol = formatOsi({ ...BY_HAND, expiration });
      const order = (side: string): string =>
        `class=option&symbol=SPX&option_symbol=${symbol.replaceAll(' ', '')}&side=${side}&quantity=1&type=market&duration=day`;
      simulator.manualOrder(order('buy_to_open'));
      return { symbol, sell: () => void simulator.manualOrder(order('sell_to_close')) };
    },
    // Nothing that is traded ends today.
    expire: () => null,
    checkStored: (stage) => checkDue(stage, market, { ...session, everyMs: snapshotMinutes * MINUTE_MS }),
    stop: () => simulator.stop(),
  };
}

/** The market, with chains that nobody can trade on while it is odd. What fills orders stays as it is. */
function distorted(market: TradierMarket, isOdd: () => boolean): TradierMarket {
  return {
    ...market,
    chain: (underlying, expiration, at) => {
      const rows = market.chain(underlying, expiration, at);
      return isOdd() ? rows.map(oddRow) : rows;
    },
  };
}

function oddRow(row: MarketRow, n: number): MarketRow {
  const sides = [
    { bid_e4: row.ask_e4 + 5000, ask_e4: Math.max(row.bid_e4 - 500, 500) },
    { bid_e4: row.bid_e4, ask_e4: 0 },
    { bid_e4: 0, ask_e4: row.ask_e4 },
    { bid_e4: 0, ask_e4: 0 },
  ];
  // Calls and puts stand in turns.
  return { ...row, ...sides[Math.floor(n / 2) % sides.length], greeks: row.greeks };
}
