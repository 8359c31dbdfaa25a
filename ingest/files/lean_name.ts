// Names inside LEAN's zips: they carry the date, the symbol, the kind of data and the option contract.
import { parseEastern, type SessionDate } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { formatOsi, type OsiSymbol } from '../../core/osi_symbol.ts';

export interface LeanName {
  /** `YYYY-MM-DD`. */
  readonly date: SessionDate;
  /** Symbol of the equity or index, root of the option series. */
  readonly symbol: string;
  readonly resolution: 'tick' | 'second' | 'minute';
  readonly data: 'trade' | 'quote' | 'openinterest';
  readonly option: OsiSymbol | null;
}

const NAME =
  /^(\d{8})_([a-z][a-z0-9.]*)_(?:(minute|second)_(trade|quote|openinterest)|(Trade|Quote)_Tick)(?:_(?:american|european)_(call|put)_(\d+)_(\d{8}))?\.csv$/i;

/** What an entry's name says. Throws Failure on a name of another kind, a daily file for one. */
export function parseLeanName(text: string): LeanName {
  const name = text.split('/').at(-1) ?? text;
  const match = NAME.exec(name);
  const date = match === null ? null : dashed(match[1] ?? '');
  if (match === null || date === null) {
    throw new Failure(`${text} is not a name that LEAN gives to minute, second or tick data`, {
      hint: "daily and hourly files are not imported; the names inside the zip must be LEAN's own",
    });
  }
  const [, , symbol = '', resolution, data, tickData, kind, strike, expiry] = match;
  const root = symbol.toUpperCase();
  const option =
    kind === undefined ? null : optionOf(text, { root, kind: kind.toLowerCase(), strike, expiry });
  return {
    date,
    symbol: root,
    resolution: (resolution?.toLowerCase() ?? 'tick') as LeanName['resolution'],
    data: (data ?? tickData ?? '').toLowerCase() as LeanName['data'],
    option,
  };
}

function optionOf(
  name: string,
  parts: { root: string; kind: string; strike: string | undefined; expiry: string | undefined },
): OsiSymbol {
  const expiration = dashed(parts.expiry ?? '');
  if (expiration === null) throw new Failure(`${name}: ${parts.expiry} is not a date of expiration`);
  try {
    return formatOsi({
      root: parts.root,
      expiration,
      option_kind: parts.kind === 'call' ? 'call' : 'put',
      strike_e4: Number(parts.strike),
    });
  } catch (cause) {
    throw new Failure(`${name} does not name an option contract`, { cause });
  }
}

function dashed(yyyymmdd: string): SessionDate | null {
  const text = `${yyyymmdd.slice(0, 4)}-${yyyymmdd.slice(4, 6)}-${yyyymmdd.slice(6)}`;
  return parseEastern(text) === null ? null : (text as SessionDate);
}
