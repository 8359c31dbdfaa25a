// The parts of a running simulator, wired by hand in server.ts and shared by the APIs that stand on them.
import type { AccountBook } from '../venue/account_book.ts';
import type { CheckContext } from '../venue/checks.ts';
import type { Desk } from '../venue/desk.ts';
import type { QuoteBoard } from '../venue/quote_board.ts';
import type { createScript } from './faults.ts';
import type { Instruments } from './instruments.ts';
import type { OAuth } from './oauth.ts';
import type { Settings } from './settings.ts';

export interface SimulatorParts {
  readonly settings: Settings;
  readonly board: QuoteBoard;
  readonly instruments: Instruments;
  readonly books: readonly AccountBook[];
  readonly desk: Desk;
  readonly checks: CheckContext;
  readonly oauth: OAuth;
  readonly script: ReturnType<typeof createScript>;
  /** The account of a hash; null for one that is not, or no longer, in use. */
  bookOf(hash: string): AccountBook | null;
  hashOf(book: AccountBook): string;
  readonly customerId: string;
  readonly correlId: string;
  streamerUrl(): string;
  uuid(): string;
}
