// LEAN's reference greeks (Interactive Brokers' model, SPX and SPY, 2023-08-04): prices, volatilities and greeks second by second.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { easternFromEpochMs, formatEastern } from '../core/eastern_time.ts';
import type { Compared } from './recorded_chain_checks.ts';

const FOLDER = ['lean_indicator_refs', 'greeks'] as const;

export const REFERENCE_FOLDER = FOLDER[0];

/** Growth of the underlying's forward a year that explains each series: dividends of an index fall due in lumps. */
export const REFERENCE_CARRIES = [
  { series: 'SPX230811', carry: 0.0225 },
  { series: 'SPX230901', carry: 0.0325 },
  { series: 'SPY230811', carry: 0.0475 },
  { series: 'SPY230901', carry: 0.0525 },
] as const;

export const REFERENCE_RATE = 0.0525;

export interface Reference extends Compared {
  readonly spot: number;
}

interface Recorded {
  readonly symbol: string;
  readonly root: string;
  readonly expiration: string;
  readonly option_kind: 'call' | 'put';
  readonly strike: number;
  readonly ts: string;
  readonly price: number;
  readonly vendor_iv: number;
  readonly vendor_delta: number;
  readonly vendor_gamma: number;
  readonly spot: number;
}

function readReferences(shared: string, series: string): Recorded[] {
  const folder = join(shared, ...FOLDER);
  const names = readdirSync(folder).filter((name) => name.startsWith(series) && name.endsWith('.csv'));
  return names.flatMap((name) => {
    const expiration = `20${name.slice(3, 5)}-${name.slice(5, 7)}-${name.slice(7, 9)}`;
    const contract = {
      symbol: name.slice(0, -4),
      // Neither day is a third Friday: SPX's own series would settle in the morning.
      ...{ root: name.startsWith('SPX') ? 'SPXW' : 'SPY', expiration },
      option_kind: name[9] === 'C' ? ('call' as const) : ('put' as const),
      strike: Number(name.slice(10, -4)) / 1000,
    };
    const [, ...lines] = readFileSync(join(folder, name), 'utf8').trimEnd().split(/\r?\n/);
    return lines.map((line) => ({ ...contract, ...momentOf(line) }));
  });
}

type Moment = Omit<Recorded, 'symbol' | 'root' | 'expiration' | 'option_kind' | 'strike'>;

/** `20230804 13:31:40.469130,price,volatility,delta,gamma,vega,theta,underlying`, of UTC. */
function momentOf(line: string): Moment {
  const [time = '', ...numbers] = line.split(',');
  const [price, vendor_iv, vendor_delta, vendor_gamma, , , spot] = numbers.map(Number) as number[];
  const utc = Date.parse(`${time.slice(0, 4)}-${time.slice(4, 6)}-${time.slice(6, 8)}T${time.slice(9, 21)}Z`);
  return {
    ts: formatEastern(easternFromEpochMs(utc)),
    ...{ price: price ?? 0, vendor_iv: vendor_iv ?? 0, spot: spot ?? 0 },
    ...{ vendor_delta: vendor_delta ?? 0, vendor_gamma: vendor_gamma ?? 0 },
  };
}

/** Ours beside the reference's, moment by moment, of one series. */
export async function compareReferences(
  client: pg.Client,
  shared: string,
  terms: { readonly series: string; readonly carry: number },
): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `select r.symbol, r.option_kind, r.strike, r.spot, r.vendor_iv, r.vendor_delta, r.vendor_gamma, v.iv, g.delta, g.gamma,
       (signal.bs_greeks(r.option_kind, r.spot, r.strike, t.years, $2, $3, r.vendor_iv)).delta as delta_of_vendor
     from jsonb_to_recordset($1) as r (
       symbol text, root text, expiration date, option_kind text, strike double precision, ts timestamp, price double precision,
       vendor_iv double precision, vendor_delta double precision, vendor_gamma double precision, spot double precision
     )
     cross join lateral (select signal.years_to_expiry(r.root, r.expiration, r.ts) as years offset 0) t
     cross join lateral (
       select signal.implied_volatility(r.option_kind, r.price, r.spot, r.strike, t.years, $2, $3) as iv offset 0
     ) v
     left join lateral signal.bs_greeks(r.option_kind, r.spot, r.strike, t.years, $2, $3, v.iv) g on v.iv is not null
     order by r.symbol, r.ts`,
    [JSON.stringify(readReferences(shared, terms.series)), REFERENCE_RATE, REFERENCE_RATE - terms.carry],
  );
  return rows;
}
