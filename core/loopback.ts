// Addresses of this machine: where a simulator may listen, and where a secret may travel in clear.
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** True for a URL on this machine. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.has(new URL(url).hostname);
}
