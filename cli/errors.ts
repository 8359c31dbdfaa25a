// What a user is told when a command fails: what happened, why, and what to do.
import { errorText, Failure } from '../core/failure.ts';

export interface Explanation {
  readonly lines: readonly string[];
  readonly exitCode: 1 | 2;
}

interface DatabaseError {
  readonly code?: string;
  readonly hint?: string;
  readonly detail?: string;
  readonly severity?: string;
}

const LOST_CONNECTION = new Set(['ECONNRESET', 'EPIPE', '57P01', '57P02', '57P03', '08006', '08003']);

// Of the rules' own codes: a name or a value that the command line has wrong.
const WRONG_WORDS = new Set(['SB007', 'SB008']);

const HINTS: Readonly<Record<string, string>> = {
  '3F000': 'Run `strikebase migrate` first.',
  '42P01': 'Is the schema current? Run `strikebase migrate`, or `strikebase schema` to see what there is.',
  '42501': 'The user of --db or DATABASE_URL may not do that; connect as the owner of the database.',
  '53100': 'Free space on the disk of the database, then try again: nothing was kept of this step.',
  '55P03': 'Another process holds the lock; try again when it is done.',
};

/** Lines for standard error, and the exit code. Unexpected errors keep their stack. */
export function explainError(error: unknown): Explanation {
  if (error instanceof Failure) return explained(withCauses(error), error.hint, error.exitCode);
  const { code = '', hint, detail, severity } = (error ?? {}) as DatabaseError;
  if (LOST_CONNECTION.has(code)) {
    const text = `the connection to the database was lost: ${errorText(error)}`;
    return explained(
      text,
      'Is the server still running? What was not committed is undone; run the command again.',
      1,
    );
  }
  // Only the server's own errors have a severity.
  if (severity !== undefined) {
    const text = detail === undefined ? errorText(error) : `${errorText(error)} (${detail})`;
    return explained(text, hint ?? HINTS[code] ?? null, WRONG_WORDS.has(code) ? 2 : 1);
  }
  return unexpected(error);
}

function withCauses(failure: Failure): string {
  const { message, cause } = failure;
  const code = (cause as { code?: unknown } | undefined)?.code;
  // The message says it already.
  const isTold =
    cause === undefined || code === 'ENOENT' || (typeof code === 'string' && message.includes(code));
  return isTold ? message : errorText(failure);
}

function explained(text: string, hint: string | null, exitCode: 1 | 2): Explanation {
  return { lines: [`error: ${text}`, ...(hint === null ? [] : [`  ${hint}`])], exitCode };
}

function unexpected(error: unknown): Explanation {
  const stack = error instanceof Error && error.stack !== undefined ? error.stack.split('\n').slice(1) : [];
  const lines = [`unexpected error: ${errorText(error)}`, ...stack.slice(0, 8)];
  return {
    lines: [...lines, '  This should not happen: please report it with the lines above.'],
    exitCode: 1,
  };
}
