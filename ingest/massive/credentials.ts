// Guards around the API key: where it may go, and that it never shows in a text.
import { Failure } from '../../core/failure.ts';
import { isLoopback } from '../../core/loopback.ts';

/** Throws a Failure unless the key would travel by TLS or stay on this machine. `kind` picks wss/ws or https/http. */
export function assertAddress(url: string, kind: 'websocket' | 'rest'): void {
  const [secure, plain] = kind === 'websocket' ? ['wss:', 'ws:'] : ['https:', 'http:'];
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === secure || (protocol === plain && isLoopback(url))) return;
  const setting = kind === 'websocket' ? 'MASSIVE_WS_URL' : 'MASSIVE_REST_URL';
  throw new Failure(
    `the Massive ${kind} address must begin with ${secure}// (or ${plain}// on this machine)`,
    {
      hint: `mend ${setting}; the key must not cross a network in clear`,
    },
  );
}

/** Throws a Failure on a key that cannot be one. HTTP clients quote such a key in their own errors. */
export function assertApiKey(apiKey: string): void {
  if (/^[\x21-\x7e]+$/.test(apiKey)) return;
  throw new Failure(
    apiKey === '' ? 'the Massive API key is empty' : 'the Massive API key holds blanks or odd characters',
    {
      hint: 'set MASSIVE_API_KEY (or POLYGON_API_KEY) in .env',
    },
  );
}

/** A text from outside, without the key should it ever echo it. */
export function redact(text: string, apiKey: string): string {
  return text.replaceAll(apiKey, '[api key]');
}
