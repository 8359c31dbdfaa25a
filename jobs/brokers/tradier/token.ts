// The access token: it does not change, but it can be refused, and then nothing is sent until Tradier takes it again.
import { Failure } from '../../../core/failure.ts';
import type { Exchange } from '../exchange.ts';
import type { Dialect, TokenSource } from '../http.ts';

/** A refused token is tried on a read before anything else is sent with it. */
export function createToken(options: {
  readonly token: string;
  readonly baseUrl: URL;
  readonly dialect: Dialect;
  readonly exchange: Exchange;
  readonly timeoutMs: number;
}): TokenSource {
  const { token, baseUrl, dialect, exchange, timeoutMs } = options;
  let isDoubted = false;
  let probe: Promise<void> | null = null;

  const tryAgain = async (): Promise<void> => {
    const url = new URL(`${dialect.prefix}/markets/clock`, baseUrl);
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    const result = await exchange({ method: 'GET', url, headers, timeoutMs });
    // Nobody answered: whether the token is good then shows with the request itself.
    if (result.kind === 'answered' && dialect.isTokenRefused(result)) {
      throw new Failure('Tradier refuses the access token', { hint: dialect.hint });
    }
    isDoubted = false;
  };

  return {
    token: async () => {
      if (isDoubted) {
        probe ??= tryAgain().finally(() => {
          probe = null;
        });
        await probe;
      }
      return token;
    },
    refused: () => {
      isDoubted = true;
    },
  };
}
