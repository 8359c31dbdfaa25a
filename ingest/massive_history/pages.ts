// Page after page of one query; the next is under way while the caller stores the last.
import { Failure } from '../../core/failure.ts';
import type { Page } from './page.ts';
import type { PageQuery, RestClient } from './rest_client.ts';

// Of 50,000 rows: more than any contract or any span of sessions has.
const MAX_PAGES = 2_000;

/** All pages of a query. Throws Failure, or the signal's reason. A caller that stops early ends what is under way. */
export async function* followPages(
  client: RestClient,
  query: PageQuery,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  try {
    let coming = client.first(query, both);
    let last: string | null = null;
    for (let pages = 1; ; pages += 1) {
      const page = await coming;
      const { nextUrl } = page;
      if (nextUrl !== null) {
        if (pages === MAX_PAGES || nextUrl === last) {
          throw new Failure(`Massive's pages of ${query.asked.ticker} have no end`);
        }
        last = nextUrl;
        coming = client.next(nextUrl, query.asked, both);
        // Its error is told when its turn comes, if ever.
        coming.catch(() => undefined);
      }
      yield page;
      if (nextUrl === null) return;
    }
  } finally {
    ending.abort();
  }
}
