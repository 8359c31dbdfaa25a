// A few workers over one list; the first error stops them all.

/**
 * Runs `work` on every item, `workers` at a time, in their order. The signal that `work` gets is aborted when another item has
 * failed. Resolves when all are done; rejects with the first error when every worker has stopped.
 */
export async function runInParallel<Item>(
  items: readonly Item[],
  options: { readonly workers: number; readonly signal: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  let failure: { readonly error: unknown } | null = null;
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const item = items[next++] as Item;
      try {
        await work(item, signal);
      } catch (error) {
        // What fails because it was told to stop has not failed.
        failure ??= { error };
        failing.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: options.workers }, run));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  options.signal.throwIfAborted();
}
