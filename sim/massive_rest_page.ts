// Pages of the simulated Massive's REST: cursors without the key, and JSON with numbers that a double cannot hold.

/** One page: results, and what the next page's query has more than this one's. */
export interface RestPage {
  readonly results: readonly unknown[];
  readonly next: Readonly<Record<string, string>> | null;
}

const NANOSECONDS = /"((?:sip|participant)_timestamp)":"(\d+)"/g;

/** The query of a request, from its cursor where it has one: the cursor is the first page's query with an offset. */
export function queryOf(url: URL): URLSearchParams {
  const cursor = url.searchParams.get('cursor');
  return cursor === null
    ? url.searchParams
    : new URLSearchParams(Buffer.from(cursor, 'base64url').toString('utf8'));
}

/** `next_url` of a page. It never carries the key: clients must send that again. */
export function nextUrl(
  address: { readonly baseUrl: string; readonly path: string },
  query: URLSearchParams,
  more: Readonly<Record<string, string>>,
): string {
  const next = new URLSearchParams(query);
  next.delete('apiKey');
  for (const [name, value] of Object.entries(more)) next.set(name, value);
  const cursor = Buffer.from(next.toString(), 'utf8').toString('base64url');
  return `${address.baseUrl}${address.path}?cursor=${cursor}`;
}

/** JSON of a body; nanosecond times given as text become numbers. */
export function writeJson(body: unknown): string {
  return JSON.stringify(body).replace(NANOSECONDS, '"$1":$2');
}
