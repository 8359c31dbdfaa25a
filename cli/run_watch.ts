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
  /** What its streams have brought, as of `now`. */
  look(now: EasternUs): StreamsLook | Promise<StreamsLook>;
}

export interface StreamsLook {
  /** Last price of the underlying, 1/10,000 dollar. */
  readonly price_e4: number | null;
  /** Rows stored so far by stream. */
  readonly rows: { readonly equities: number; readonly options: number };
  /** States of the connections, in words. */
  readonly feeds: string;
}

/** Reads the database as job_runner. */
export type Read = <T>(work: (client: pg.ClientBase) => Promise<T>) => Promise<T>;

export interface RunWatchOptions {
  readonly read: Read;
  readonly title: string;
  readonly underlying: string;
  readonly label: string;
  /** Where orders go; default `PAPER`. */
  readonly venue?: string;
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
  const { read, title, underlying, label, venue, lineEveryMs } = options;
  let watched: { readonly run: WatchedRun; readonly view: LiveView } | null = null;
  const show = async (now: EasternUs): Promise<void> => {
    if (watched === null) return;
    const { run, view } = watched;
    const state = await read((client) => readLiveState(client, run.runId, now));
    const { price_e4, rows, feeds } = await run.look(now);
    view.show({ now, state, price_e4, feeds, rows: rows.equities + rows.options, quotes: rows.options });
  };
  return {
    begin: (run) => {
      const { runId, account } = run;
      const text = { title, underlying, label, runId, account, ...(venue === undefined ? {} : { venue }) };
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
    look: () => ({
      price_e4: equities.lastPrice(underlying),
      rows: { equities: equities.counts().inserted, options: options.counts().inserted },
      feeds: `equities ${equities.feed.state}, options ${options.feed.state} (${options.streamed().length} contracts)`,
    }),
  };
}
