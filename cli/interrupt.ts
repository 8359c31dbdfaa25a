// Ctrl-C: the first asks the command to end cleanly, the second ends the process at once.

let controller = new AbortController();

/** Aborted when the user wants the command to end. Long loops look at it between steps. */
export function interrupt(): AbortSignal {
  return controller.signal;
}

/** Begins to listen for SIGINT and SIGTERM; the function returned ends that. */
export function listenForInterrupt(): () => void {
  const own = new AbortController();
  controller = own;
  const onSignal = (): void => {
    if (own.signal.aborted) process.exit(130);
    own.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
