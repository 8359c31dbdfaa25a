// Keeps the terminal view of a run that is going on up to date.
import type pg from 'pg';
import type { EasternUs } from '../core/eastern_time.ts';
import type { EquityStream } from '../ingest/equities.ts';
import type { OptionStream } from '../ingest/options.ts';
import type { LiveRun } from '../jobs/live.ts';
import { readLiveState } from './live_state.ts';
import { createLiveView, type LiveView } from './live_view.ts';
import { note } from './terminal.ts';

/** The run that is watched, and what is known of it without asking the database. */
export interface WatchedRun {
  readonly runId: number;
  readonly account: string;
  /** 1/10,000 dollar. */
  lastPrice(): number | null;
  /** Rows stored so far by stream. */
  rows(): { readonly equities: number; readonly options: number };
  /** States of the connections, in words. */
  feeds(): string;
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
  /** A line for the operator; it does not disturb the view. */
  announce(text: string): void;
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
    view.show({
      now,
      state,
      price_e4: run.lastPrice(),
      rows: total,
      quotes: rows.options,
      feeds: run.feeds(),
    });
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
    announce: (text) => {
      if (watched === null) note(text);
      else watched.view.announce(text);
    },
    end: async (now) => {
      await show(now).catch(() => undefined);
      watched?.view.end();
      watched = null;
    },
  };
}

/** What the view asks a run and its streams. */
export function watchedRun(
  parts: { readonly run: LiveRun; readonly equities: EquityStream; readonly options: OptionStream },
  underlying: string,
): WatchedRun {
  const { run, equities, options } = parts;
  return {
    runId: run.runId,
    account: run.account,
    lastPrice: () => equities.lastPrice(underlying),
    rows: () => ({ equities: equities.counts().inserted, options: options.counts().inserted }),
    feeds: () =>
      `equities ${equities.feed.state}, options ${options.feed.state} (${options.streamed().length} contracts)`,
  };
}
