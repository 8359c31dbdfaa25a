// One answer of Massive's REST: the envelope, with nanosecond times kept whole.
import { z } from 'zod';

export interface Page {
  readonly results: readonly unknown[];
  /** Address of the next page as the vendor wrote it: not to be trusted. */
  readonly nextUrl: string | null;
}

/** A body of the vendor's. */
export interface Answer {
  /** Null where the body itself refuses. */
  readonly page: Page | null;
  /** The vendor's own word for how it went, e.g. OK, DELAYED, NOT_AUTHORIZED. */
  readonly status: string | null;
  /** What the vendor says in words; null where it says nothing. */
  readonly text: string | null;
}

// JSON.parse would round them to multiples of 256 ns. Inside a string the quotes would be escaped, so only keys match.
const NANOSECONDS = /"((?:sip|participant|trf)_timestamp)"(\s*:\s*)(\d{16,})/g;
const REFUSALS = new Set(['ERROR', 'NOT_AUTHORIZED', 'NOT_FOUND']);

// Empty results are left out or null.
const envelope = z.object({
  status: z.string().optional(),
  error: z.string().optional(),
  message: z.string().optional(),
  results: z.array(z.unknown()).nullish(),
  next_url: z.string().nullish(),
});

/** Reads a body; nanosecond times become text. Null where it is no JSON object of this kind: HTML, or cut off. */
export function readAnswer(text: string): Answer | null {
  const parsed = envelope.safeParse(parseJson(text.replace(NANOSECONDS, '"$1"$2"$3"')));
  if (!parsed.success) return null;
  const { status = null, error, message, results, next_url } = parsed.data;
  const isRefused = error !== undefined || REFUSALS.has(status ?? '');
  return {
    page: isRefused ? null : { results: results ?? [], nextUrl: next_url ?? null },
    status,
    text: error ?? message ?? null,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
