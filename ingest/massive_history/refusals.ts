// What Massive refuses and what a user can do about it.
import { Failure } from '../../core/failure.ts';
import type { HistoryKind } from './history_feeds.ts';

/** What a request is for: names it in messages. */
export interface Asked {
  readonly kind: HistoryKind;
  /** Ticker, e.g. QQQ or O:QQQ251219C00410000. */
  readonly ticker: string;
}

// As far as the vendor's price list was known when this was written; the vendor's own words come first.
const PLANS: Readonly<Record<HistoryKind, string>> = {
  minute:
    'Minute bars are in every stocks plan; Stocks Basic (free) reaches back two years, older ones need more.',
  second: 'Bars of a second need a paid stocks plan (Stocks Starter or above); --span minute needs less.',
  contracts: 'Lists of option contracts are in every options plan, Options Basic included.',
  trades: 'Trades of options need Options Developer or above.',
  quotes: 'Quotes of options need Options Advanced; --trades alone leaves them out.',
};

const RESUMES = 'What was stored is kept: the same command goes on from there.';

/** The Failure for an answer that no repetition will change. `text` is the vendor's own and holds no key. */
export function refusal(code: number, text: string, asked: Asked): Failure {
  const { kind, ticker } = asked;
  const of = `${kind === 'minute' || kind === 'second' ? `${kind} bars` : kind} of ${ticker}`;
  if (code === 401) {
    return new Failure(`Massive does not accept the key (401): ${text}`, {
      hint: 'Check POLYGON_API_KEY (or MASSIVE_API_KEY) in .env.',
    });
  }
  if (code === 403) {
    return new Failure(`the plan does not include ${of} (403): ${text}`, {
      hint: `${PLANS[kind]} ${RESUMES}`,
    });
  }
  if (code === 404) {
    return new Failure(`Massive does not know ${of} (404): ${text}`, {
      hint: 'Check --symbol, and MASSIVE_REST_URL if it is not the usual one.',
    });
  }
  return new Failure(`Massive refuses ${of} (${code}): ${text}`, { hint: RESUMES });
}

/** The Failure after the last repetition. */
export function gaveUp(reason: string, attempts: number): Failure {
  return new Failure(`${reason}; given up after ${attempts} attempts`, { hint: RESUMES });
}
