// The one error class for things that a user can mend: what happened, why, and what to do, without a stack trace.

/** An operating error: `message` says what happened and why, `hint` what to do. The command line exits with `exitCode`. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly hint: string | null;
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { hint?: string; cause?: unknown; exitCode?: 1 | 2 } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint ?? null;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The text of anything that was thrown, with its causes: for messages, never for decisions. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors.map(errorText).join('; ') : '';
  const own = error.message || inner || error.name;
  return error.cause === undefined ? own : `${own}: ${errorText(error.cause)}`;
}
