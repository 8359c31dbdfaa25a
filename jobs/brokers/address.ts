// Where secrets may travel: by TLS to anywhere, in clear on this machine only (the simulator).
import { Failure } from '../../core/failure.ts';
import { isLoopback } from '../../core/loopback.ts';

/** The address, parsed. Throws a Failure unless it is https/wss, or http/ws on this machine; `setting` names what to mend. */
export function safeAddress(text: string, kind: 'https' | 'wss', setting: string): URL {
  const plain = kind === 'https' ? 'http:' : 'ws:';
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === `${kind}:`) return url;
  if (url?.protocol === plain && isLoopback(text)) return url;
  throw new Failure(`${setting} must be an address that begins with ${kind}://`, {
    hint: `${plain}// is accepted on this machine only: tokens must not cross a network in clear.`,
  });
}
