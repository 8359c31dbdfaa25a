// A flat file of option quotes as Massive ships them: grouped by ticker, then by time. Seeded, so the same rows everywhere.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { epochMsFromEastern, parseEastern } from '../core/eastern_time.ts';
import { formatOsi, toMassive } from '../core/osi_symbol.ts';
import { type RandomStream, randomStream } from '../sim/random.ts';

const HEADER =
  'ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,sequence_number,sip_timestamp\n';
const EXPIRATION = '2025-12-19';
const FIRST_STRIKE = 560;
const OPEN_US = (epochMsFromEastern(parseEastern(`${EXPIRATION} 09:30`) as never) as number) * 1000;
const SESSION_US = 6.5 * 3600 * 1e6;

/** Writes `rows` quotes of `contracts` contracts, in all one session. */
export async function writeQuoteFile(
  path: string,
  options: { readonly rows: number; readonly contracts: number },
): Promise<void> {
  const file = createWriteStream(path);
  file.write(HEADER);
  const each = Math.ceil(options.rows / options.contracts);
  for (let n = 0; n < options.contracts; n += 1) {
    const count = Math.min(each, options.rows - n * each);
    if (count > 0 && !file.write(quotesOf(n, count))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}

function quotesOf(contract: number, count: number): string {
  const ticker = toMassive(
    formatOsi({
      root: 'QQQ',
      expiration: EXPIRATION,
      option_kind: contract % 2 === 0 ? 'call' : 'put',
      strike_e4: (FIRST_STRIKE + Math.floor(contract / 2)) * 1e4,
    }),
  );
  const random = randomStream(1, EXPIRATION, ticker);
  const book = { us: OPEN_US, seq: random.int(1e6, 9e8), bid: random.int(5, 900) };
  const lines: string[] = [];
  for (let n = 0; n < count; n += 1) lines.push(nextQuote(random, book, SESSION_US / count));
  return lines.map((line) => `${ticker},${line}`).join('');
}

function nextQuote(
  random: RandomStream,
  book: { us: number; seq: number; bid: number },
  gapUs: number,
): string {
  book.us += random.int(1, 2 * gapUs - 1);
  book.seq += random.int(1, 5000);
  book.bid = Math.max(1, book.bid + random.int(-1, 1));
  const ask = (book.bid + random.int(1, 3)) / 100;
  const nanoseconds = `${book.us}${String(random.int(0, 999)).padStart(3, '0')}`;
  return `302,${ask},${random.int(1, 400)},308,${book.bid / 100},${random.int(1, 400)},${book.seq},${nanoseconds}\n`;
}
