// Bounded batches, clocked by acknowledgement: what has queued up is flushed the moment the previous flush is done.

export interface Batcher<Item> {
  /** Queues items; resolves at once while there is room, else when there is room again. */
  push(items: readonly Item[]): Promise<void>;
  /** Resolves when everything pushed so far is flushed. */
  drain(): Promise<void>;
  readonly queued: number;
}

export interface BatcherOptions<Item> {
  /** Writes a batch; a rejection stops the batcher, and every later push and drain rejects with it. */
  readonly flush: (items: readonly Item[]) => Promise<void>;
  /** Most items in one flush. */
  readonly maxBatch: number;
  /** Most items waiting: beyond it push makes its caller wait. */
  readonly maxQueued: number;
}

/** Idle it writes single items within a millisecond or two; busy it writes thousands at a time. There is no timer. */
export function createBatcher<Item>(options: BatcherOptions<Item>): Batcher<Item> {
  let queue: Item[] = [];
  let running: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  let waiting: (() => void)[] = [];

  async function run(): Promise<void> {
    try {
      while (queue.length > 0) {
        const batch = queue.length <= options.maxBatch ? queue : queue.slice(0, options.maxBatch);
        queue = queue.length <= options.maxBatch ? [] : queue.slice(options.maxBatch);
        await options.flush(batch);
        wake();
      }
    } catch (error) {
      failure = { error };
      wake();
    } finally {
      running = null;
    }
  }

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  function start(): void {
    if (running === null && failure === null && queue.length > 0) running = run();
  }

  return {
    get queued() {
      return queue.length;
    },
    async push(items) {
      while (failure === null && queue.length > 0 && queue.length + items.length > options.maxQueued) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      if (failure !== null) throw failure.error;
      for (const item of items) queue.push(item);
      start();
    },
    async drain() {
      while (running !== null || queue.length > 0) {
        if (failure !== null) break;
        start();
        await running;
      }
      if (failure !== null) throw failure.error;
    },
  };
}
