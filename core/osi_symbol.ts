// Option symbols: the 21-character OSI form that the database stores, and the vendors' spellings of it.

/** 21 characters: root padded to 6, YYMMDD, C or P, strike x 1000 in 8 digits, e.g. `QQQ   251219C00410000`. */
export type OsiSymbol = string & { readonly __brand: 'OsiSymbol' };

/** `option_kind` as the database stores it. */
export type OptionKind = 'call' | 'put';

export interface OptionContract {
  /** Root of the option series: QQQ, SPX, SPXW. */
  readonly root: string;
  /** `YYYY-MM-DD`. */
  readonly expiration: string;
  readonly option_kind: OptionKind;
  /** Strike in 1/10,000 dollar. */
  readonly strike_e4: number;
}

const OSI = /^([A-Z][A-Z0-9.]{0,5}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})$/;

/** The OSI symbol of a contract. Throws on a root or strike that the form cannot hold. */
export function formatOsi(contract: OptionContract): OsiSymbol {
  const { root, expiration, option_kind, strike_e4 } = contract;
  if (!/^[A-Z][A-Z0-9.]{0,5}$/.test(root)) throw new Error(`option root does not fit an OSI symbol: ${root}`);
  if (!Number.isInteger(strike_e4) || strike_e4 <= 0 || strike_e4 % 10 !== 0 || strike_e4 >= 1e9) {
    throw new Error(`strike does not fit an OSI symbol: ${strike_e4} (1/10,000 dollar)`);
  }
  const date = expiration.slice(2, 4) + expiration.slice(5, 7) + expiration.slice(8, 10);
  const kind = option_kind === 'call' ? 'C' : 'P';
  return `${root.padEnd(6)}${date}${kind}${String(strike_e4 / 10).padStart(8, '0')}` as OsiSymbol;
}

/** Parses `QQQ   251219C00410000`, the unpadded `QQQ251219C00410000` and Massive's `O:QQQ251219C00410000`; null otherwise. */
export function parseOsi(text: string): OptionContract | null {
  const bare = text.startsWith('O:') ? text.slice(2) : text;
  // Split from the right: a root may end in a digit (adjusted contracts).
  const tail = bare.slice(-15);
  const match = OSI.exec(bare.slice(0, -15).trimEnd() + tail);
  if (match === null || bare.length < 16 || bare.length > 21) return null;
  const [, root = '', yy, mm, dd, kind, strike] = match;
  const expiration = `20${yy}-${mm}-${dd}`;
  if (!isDate(expiration)) return null;
  const strike_e4 = Number(strike) * 10;
  return strike_e4 === 0 ? null : { root, expiration, option_kind: kind === 'C' ? 'call' : 'put', strike_e4 };
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Massive's spelling: `O:` and no padding. */
export function toMassive(symbol: OsiSymbol): string {
  return `O:${symbol.slice(0, 6).trimEnd()}${symbol.slice(6)}`;
}

/** The OSI symbol of any accepted spelling, or null. */
export function toOsi(text: string): OsiSymbol | null {
  const contract = parseOsi(text);
  return contract === null ? null : formatOsi(contract);
}
