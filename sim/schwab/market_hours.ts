// GET /markets: the hours that Schwab tells, which end at 16:00 for equity options although QQQ's go on to 16:15 (reference B3).
import {
  addMs,
  dateOf,
  type EasternUs,
  epochMsFromEastern,
  midnightOf,
  parseEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';
import { type Answer, json } from '../venue/http.ts';
import { apiError } from './answers.ts';
import type { Json } from './instruments.ts';
import type { SimulatorParts } from './parts.ts';
import type { TraderCall } from './trader.ts';

const MINUTE_MS = 60_000;

// `2026-11-20T09:30:00-05:00`
function withOffset(us: EasternUs): string {
  const hours = Math.round((us / 1000 - epochMsFromEastern(us)) / 3_600_000);
  return `${new Date(us / 1000).toISOString().slice(0, 19)}-0${Math.abs(hours)}:00`;
}

function period(date: SessionDate, fromMinute: number, toMinute: number): Json {
  const midnight = midnightOf(date);
  const at = (minute: number): string => withOffset(addMs(midnight, minute * MINUTE_MS));
  return { start: at(fromMinute), end: at(toMinute) };
}

function closed(date: SessionDate, market: string): Json {
  // On a closed day the product goes by the market's name and has no hours (recorded).
  return { [market]: { date, marketType: market.toUpperCase(), product: market, isOpen: false } };
}

function product(date: SessionDate, market: string, code: string, name: string, hours: Json): Json {
  const fields = { date, marketType: market.toUpperCase(), product: code, productName: name, isOpen: true };
  return { [code]: { ...fields, sessionHours: hours } };
}

function market(name: string, date: SessionDate, parts: SimulatorParts): Json {
  const { hours } = parts.settings;
  const session = hours === 'always' ? null : hours.sessionOf(date);
  if (hours !== 'always' && session === null) return closed(date, name);
  const lateClose = session === null ? 16 * 60 + 15 : (session.close - midnightOf(date)) / 60_000_000;
  const close = lateClose - 15;
  const open = 9 * 60 + 30;
  if (name === 'equity') {
    return product(date, name, 'EQ', 'equity', {
      preMarket: [period(date, 7 * 60, open)],
      regularMarket: [period(date, open, close)],
      postMarket: [period(date, close, 20 * 60)],
    });
  }
  return {
    ...product(date, name, 'EQO', 'equity option', { regularMarket: [period(date, open, close)] }),
    ...product(date, name, 'IND', 'index option', { regularMarket: [period(date, open, lateClose)] }),
  };
}

/** Answers GET /markets for the markets equity and option; null for other operations. */
export function answerMarketHours(call: TraderCall, parts: SimulatorParts): Answer | null {
  if (call.operation !== 'GET markets') return null;
  const names = call.hash === '' ? (call.query.get('markets') ?? '').split(',') : [call.hash];
  const date = call.query.get('date') ?? dateOf(parts.settings.clock.now());
  const isGood = names.every((name) => name === 'equity' || name === 'option') && parseEastern(date) !== null;
  if (!isGood) {
    return apiError(400, parts.uuid(), { title: 'Bad Request', detail: 'Unsupported markets or date' });
  }
  const views = names.map((name) => [name, market(name, date as SessionDate, parts)]);
  return json(200, Object.fromEntries(views));
}
