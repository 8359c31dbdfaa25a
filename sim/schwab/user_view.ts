// Who the user is: account numbers with the hashes that stand for them in paths, and the streamer's address (reference B2.8).
import { createHash } from 'node:crypto';
import type { Json } from './instruments.ts';
import type { SimulatorParts } from './parts.ts';

/** 64 hexadecimal digits. */
export function accountHash(accountNumber: string, salt: string): string {
  return createHash('sha256').update(`${salt}|${accountNumber}`).digest('hex').toUpperCase();
}

export function accountNumbersView(parts: SimulatorParts): readonly Json[] {
  return parts.books.map((book) => ({
    accountNumber: book.accountNumber,
    hashValue: parts.hashOf(book),
  }));
}

/** An object: Schwab's own specification says an array. */
export function userPreferenceView(parts: SimulatorParts): Json {
  return {
    accounts: parts.books.map((book, i) => ({
      accountNumber: book.accountNumber,
      primaryAccount: i === 0,
      type: 'BROKERAGE',
      nickName: 'Simulated',
      displayAcctId: `...${book.accountNumber.slice(-3)}`,
      autoPositionEffect: false,
      accountColor: 'Green',
      lotSelectionMethod: 'FIFO',
    })),
    streamerInfo: [
      {
        streamerSocketUrl: parts.streamerUrl(),
        schwabClientCustomerId: parts.customerId,
        schwabClientCorrelId: parts.correlId,
        schwabClientChannel: 'N9',
        schwabClientFunctionId: 'APIAPP',
      },
    ],
    offers: [{ level2Permissions: true, mktDataPermission: 'NP' }],
  };
}
