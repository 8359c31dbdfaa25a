// The market data of the simulated Tradier (reference A4): expirations, chains, quotes, clock and calendar.
import {
  addMs,
  dateOf,
  type EasternUs,
  epochMsFromEastern,
  formatEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import { dayAfter, regularHours, type TradingHours, timeOf } from '../venue/hours.ts';
import { type Answer, json } from '../venue/http.ts';
import type { Call } from './accounts.ts';
import type { Operation } from './faults.ts';
import { rowView } from './market.ts';
import type { TradierParts } from './parts.ts';
import { fromTradier } from './symbols.ts';
import { type Json, list, listOrNull, plain } from './wire.ts';

const EXTRAS = ['strikes', 'contractSize', 'expirationType'];
const CLOSE_BEFORE_OPTIONS_MS = 15 * 60_000;

/** The instant that quotes are of. */
function quotedAt(call: Call, parts: TradierParts): EasternUs {
  const staleMs = call.fault?.kind === 'stale' ? call.fault.ms : 0;
  return addMs(parts.settings.clock.now(), -(parts.settings.delayMs + staleMs));
}

function strikesOf(parts: TradierParts, underlying: string, expiration: string, at: EasternUs): number[] {
  const rows = parts.market.chain(underlying, expiration, at);
  return [...new Set(rows.map((row) => (parseOsi(row.symbol)?.strike_e4 ?? 0) / 1e4))];
}

function expirations(call: Call, parts: TradierParts): Answer {
  const { query } = call;
  const symbol = query.get('symbol') ?? '';
  if (symbol === '') return plain(400, 'Invalid parameter, symbol: is required.');
  const underlying = fromTradier(symbol);
  const at = quotedAt(call, parts);
  // Weeklies of an index hang on a root of their own, which has to be asked for.
  const hidesRoots = underlying.startsWith('$') && query.get('includeAllRoots') !== 'true';
  const dates = hidesRoots ? [] : parts.market.expirations(underlying, at);
  if (!EXTRAS.some((name) => query.get(name) === 'true')) {
    return json(200, { expirations: listOrNull('date', dates) });
  }
  const rows = dates.map((date) => ({
    date,
    ...(query.get('contractSize') === 'true' ? { contract_size: 100 } : {}),
    ...(query.get('expirationType') === 'true' ? { expiration_type: 'weeklys' } : {}),
    ...(query.get('strikes') === 'true'
      ? { strikes: list('strike', strikesOf(parts, underlying, date, at)) }
      : {}),
  }));
  return json(200, { expirations: listOrNull('expiration', rows) });
}

function chains(call: Call, parts: TradierParts): Answer {
  const { query } = call;
  const symbol = query.get('symbol') ?? '';
  const expiration = query.get('expiration') ?? '';
  if (symbol === '') return plain(400, 'Invalid parameter, symbol: is required.');
  if (expiration === '') return plain(400, 'Invalid parameter, expiration: is required.');
  const rows = parts.market.chain(fromTradier(symbol), expiration, quotedAt(call, parts));
  const withGreeks = query.get('greeks') === 'true';
  return json(200, {
    options: listOrNull(
      'option',
      rows.map((row) => rowView(row, withGreeks)),
    ),
  });
}

function strikes(call: Call, parts: TradierParts): Answer {
  const underlying = fromTradier(call.query.get('symbol') ?? '');
  const found = strikesOf(parts, underlying, call.query.get('expiration') ?? '', quotedAt(call, parts));
  return json(200, { strikes: listOrNull('strike', found) });
}

function quotes(call: Call, parts: TradierParts): Answer {
  const form = call.query.get('symbols') === null ? new URLSearchParams(call.body) : call.query;
  const symbols = (form.get('symbols') ?? '').split(',').filter((symbol) => symbol !== '');
  if (symbols.length === 0) return plain(400, 'Invalid parameter, symbols: is required.');
  const at = quotedAt(call, parts);
  const rows: Json[] = [];
  const unmatched: string[] = [];
  for (const symbol of symbols) {
    const row = parts.market.row(fromTradier(symbol), at);
    if (row === null) unmatched.push(symbol);
    else rows.push(rowView(row, form.get('greeks') === 'true'));
  }
  const found = rows.length === 0 ? {} : { quote: rows.length === 1 ? rows[0] : rows };
  const names = unmatched.length === 1 ? unmatched[0] : unmatched;
  const missing = unmatched.length === 0 ? {} : { unmatched_symbols: { symbol: names } };
  return json(200, { quotes: { ...found, ...missing } });
}

function hoursOf(parts: TradierParts): TradingHours {
  const { hours } = parts.settings;
  return hours === 'always' ? regularHours() : hours;
}

// Hours of the options end a quarter of an hour after the shares', which are what the clock tells.
function sessionOf(parts: TradierParts, date: SessionDate): { open: EasternUs; close: EasternUs } | null {
  const session = hoursOf(parts).sessionOf(date);
  return session === null
    ? null
    : { open: session.open, close: addMs(session.close, -CLOSE_BEFORE_OPTIONS_MS) };
}

function hhmm(us: EasternUs): string {
  return formatEastern(us).slice(11, 16);
}

function clock(parts: TradierParts): Answer {
  const now = parts.settings.clock.now();
  const date = dateOf(now);
  const session = sessionOf(parts, date);
  const steps: readonly (readonly [EasternUs, string])[] =
    session === null
      ? []
      : [
          [timeOf(date, '04:00'), 'premarket'],
          [session.open, 'open'],
          [session.close, 'postmarket'],
          [timeOf(date, '20:00'), 'closed'],
        ];
  const state = steps.filter(([at]) => at <= now).at(-1)?.[1] ?? 'closed';
  const next = steps.find(([at]) => at > now);
  return json(200, {
    clock: {
      date,
      description:
        state === 'open' && session !== null
          ? `Market is open from ${hhmm(session.open)} to ${hhmm(session.close)}`
          : 'Market is closed',
      state,
      timestamp: Math.floor(epochMsFromEastern(now) / 1000),
      next_change: next === undefined ? '04:00' : hhmm(next[0]),
      next_state: next?.[1] ?? 'premarket',
    },
  });
}

function dayView(parts: TradierParts, date: SessionDate): Json {
  const session = sessionOf(parts, date);
  if (session === null) return { date, status: 'closed', description: 'Market is closed' };
  const [open, close] = [hhmm(session.open), hhmm(session.close)];
  return {
    date,
    status: 'open',
    description: 'Market is open',
    premarket: { start: '04:00', end: open },
    open: { start: open, end: close },
    postmarket: { start: close, end: '20:00' },
  };
}

function calendar(call: Call, parts: TradierParts): Answer {
  const today = dateOf(parts.settings.clock.now());
  const month = Number(call.query.get('month') ?? today.slice(5, 7));
  const year = Number(call.query.get('year') ?? today.slice(0, 4));
  if (!(month >= 1 && month <= 12) || !(year > 2000))
    return plain(400, 'Invalid parameter, month: is not valid.');
  const prefix = `${year}-${String(month).padStart(2, '0')}`;
  const days: Json[] = [];
  for (let date = `${prefix}-01` as SessionDate; date.startsWith(prefix); date = dayAfter(date)) {
    days.push(dayView(parts, date));
  }
  return json(200, { calendar: { month, year, days: { day: days } } });
}

type MarketHandler = (call: Call, parts: TradierParts) => Answer;

const HANDLERS: Partial<Record<Operation, MarketHandler>> = {
  'GET expirations': expirations,
  'GET strikes': strikes,
  'GET chains': chains,
  'GET quotes': quotes,
  'GET clock': (_, parts) => clock(parts),
  'GET calendar': calendar,
};

/** Answers a market data request whose token has been checked; null for operations of other APIs. */
export function answerMarkets(call: Call, parts: TradierParts): Answer | null {
  return HANDLERS[call.operation]?.(call, parts) ?? null;
}
