// Keeps the terminal view of a run that is going on up to date.
import type pg from 'pg';
import type { EasternUs } from '../core/eastern_time.ts';
import { readLiveState } from './live_state.ts';
import { createLiveView, type LiveView } from './live_view.ts';

/** The run that is watched, and what is known of it without asking the database. */
export interface WatchedRun {
  readonly runId: number;
  readonly account: string;
  /** 1/10,000 dollar. */
  lastPrice(): number | null;
  /** Rows stored so far by stream. */
  rows(): { readonly equities: number; readonly options: number };
}

export interface RunWatchOptions {
  /** Reads as job_runner. */
  readonly client: pg.ClientBase;
  readonly title: string;
  readonly underlying: string;
  readonly label: string;
  readonly lineEveryMs?: number;
}

export interface RunWatch {
  begin(run: WatchedRun): void;
  /** Shows the run as of `now` if a view is due. */
  update(now: EasternUs): Promise<void>;
  /** Shows it a last time if the database can still be read, and gives the terminal back. */
  end(now: EasternUs): Promise<void>;
}

export function watchRun(options: RunWatchOptions): RunWatch {
  const { client, title, underlying, label, lineEveryMs } = options;
  let watched: { readonly run: WatchedRun; readonly view: LiveView } | null = null;
  const show = async (now: EasternUs): Promise<void> => {
    if (watched === null) return;
    const { run, view } = watched;
    const state = await readLiveState(client, run.runId, now);
    const rows = run.rows();
    const total = rows.equities + rows.options;
    view.show({ now, state, price_e4: run.lastPrice(), rows: total, quotes: rows.options });
  };
  return {
    begin: (run) => {
      const { runId, account } = run;
      const text = { title, underlying, label, runId, account };
      watched = { run, view: createLiveView(lineEveryMs === undefined ? text : { ...text, lineEveryMs }) };
    },
    update: async (now) => {
      if (watched?.view.isDue(now)) await show(now);
    },
    end: async (now) => {
      await show(now).catch(() => undefined);
      watched?.view.end();
      watched = null;
    },
  };
}
