// Tells a database that went away, which is waited for, from an error that would only happen again.

// Shutdowns and restarts of the server, an administrator's pg_terminate_backend, a server that is full for the moment.
const SERVER_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '53300']);
const NETWORK = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  // A container that is started again has no name for the moment.
  ...['EAI_AGAIN', 'ENOTFOUND'],
]);
// node-postgres has no codes for these.
const TEXTS =
  /connection terminated|not queryable|client was closed|connection timeout|timeout expired|query read timeout/i;

/** True if the connection was lost or refused: what was being done may be tried again on a new one. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (SERVER_STATES.has(code) || NETWORK.has(code) || code.startsWith('08')) return true;
  } else if (TEXTS.test(error.message)) return true;
  return error.cause !== undefined && isConnectionLoss(error.cause);
}
