// Promises that are settled from outside.

/** A promise that `open` resolves. */
export function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A promise that only ever rejects. */
export function rejectable(): {
  readonly promise: Promise<never>;
  readonly reject: (error: unknown) => void;
} {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  // Whoever waits for it sees the error; nobody waiting is no reason to end the process with a stack trace.
  promise.catch(() => {});
  return { promise, reject };
}
