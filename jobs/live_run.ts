// Opens the live run of a session, or goes on with the one that was interrupted.
import type pg from 'pg';
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { inTransaction } from '../db/pool.ts';

export interface LiveRunRequest {
  readonly strategy: string;
  readonly account: string;
  /** Parameters of the strategy for this run only, `account` included. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly tickFeed: string;
  readonly quoteFeed: string;
  readonly broker: string;
  readonly codeHash: string;
  /** Range of the run. */
  readonly from: EasternUs;
  readonly to: EasternUs;
}

export interface OpenedRun {
  readonly runId: number;
  readonly isResumed: boolean;
  /** Where its last slice ended, or its start. */
  readonly advancedTo: EasternUs;
  readonly graceMs: number;
  readonly periodMs: number;
  /** The session's open, from which its periods are counted. */
  readonly opensAt: EasternUs;
}

interface Candidate {
  readonly run_id: number;
  readonly strategy: string;
  readonly is_open: boolean;
  readonly is_over: boolean;
  readonly is_same: boolean;
}

// The last live run of the account that is open, or ended before its time in this range. `is_same`: it would be opened again just so.
const CANDIDATE_SQL = `
  select r.run_id, r.strategy, r.ts_ended is null as is_open, r.ts_to <= $9 as is_over,
    (r.strategy = $2 and r.ts_from >= $7 and r.ts_to = $8 and r.broker = $5 and r.code_hash = $6
      and t.name = $3 and q.name = $4
      and r.params = (select to_jsonb(trade.apply_settings(s, $10)) from ref.strategies s
        where s.strategy = $2 order by s.version desc limit 1)) is true as is_same
  from trade.runs r
  join ref.feeds t on t.feed_id = r.tick_feed_id
  join ref.feeds q on q.feed_id = r.quote_feed_id
  where r.mode = 'live' and r.account = $1
    and (r.ts_ended is null or (r.outcome in ('stopped', 'failed') and r.ts_from >= $7))
  order by r.ts_ended is null desc, r.run_id desc
  limit 1`;

const STATE_SQL = `
  select r.grace_ms, (r.params ->> 'period_ms')::integer as period_ms,
    coalesce((select max(s.ts_to) from trade.slices s where s.run_id = r.run_id), r.ts_from) as ts_advanced,
    coalesce((select s.ts_open from ref.sessions s where s.session_date = r.ts_from::date), r.ts_from::date) as ts_open
  from trade.runs r where r.run_id = $1`;

/**
 * Opens the run; the caller holds the account's lock. A run of this session that was interrupted or stopped, with the same
 * strategy version, settings, feeds and code, goes on where its last slice ended. Otherwise a new one begins now: it stores the
 * session's earlier periods to look back on, decides nothing in the past, and takes over the positions of its account.
 */
export async function openLiveRun(
  client: pg.ClientBase,
  request: LiveRunRequest,
  now: EasternUs,
): Promise<OpenedRun> {
  return inTransaction(client, async () => {
    const candidate = await findCandidate(client, request, now);
    if (candidate !== null && !candidate.is_same) await retire(client, candidate, request, now);
    const isResumed = candidate?.is_same === true;
    const runId = isResumed ? candidate.run_id : await openNew(client, request, now);
    if (isResumed && !candidate.is_open) await reopen(client, runId);
    return { runId, isResumed, ...(await stateOf(client, runId)) };
  });
}

async function findCandidate(
  client: pg.ClientBase,
  request: LiveRunRequest,
  now: EasternUs,
): Promise<Candidate | null> {
  const { account, strategy, tickFeed, quoteFeed, broker, codeHash, from, to, settings } = request;
  const times = [formatEastern(from), formatEastern(to), formatEastern(now)];
  const values = [account, strategy, tickFeed, quoteFeed, broker, codeHash, ...times, settings];
  const { rows } = await client.query<Candidate>(CANDIDATE_SQL, values);
  return rows[0] ?? null;
}

async function retire(
  client: pg.ClientBase,
  candidate: Candidate,
  request: LiveRunRequest,
  now: EasternUs,
): Promise<void> {
  if (!candidate.is_open) return;
  if (candidate.strategy !== request.strategy && !candidate.is_over) {
    throw new Failure(
      `account ${request.account} belongs to run ${candidate.run_id} of strategy ${candidate.strategy} today`,
      {
        hint: `Give each strategy an account of its own: strikebase strategies set ${request.strategy} account=NAME.`,
      },
    );
  }
  // Its process ended without closing it.
  await client.query('select trade.close_run($1, $2, $3)', [candidate.run_id, 'failed', formatEastern(now)]);
}

async function openNew(client: pg.ClientBase, request: LiveRunRequest, now: EasternUs): Promise<number> {
  const { strategy, from, to, tickFeed, quoteFeed, settings, broker, codeHash } = request;
  const { rows } = await client.query<{ run_id: number }>(
    "select trade.open_run('live', $1, $2, $3, $4, $5, $6, $7, $8, $9) as run_id",
    [
      strategy,
      formatEastern(now > from ? now : from),
      formatEastern(to),
      tickFeed,
      quoteFeed,
      settings,
      broker,
      codeHash,
      formatEastern(now),
    ],
  );
  return rows[0]?.run_id as number;
}

// One session of an account is one run, however often its process is stopped and started.
async function reopen(client: pg.ClientBase, runId: number): Promise<void> {
  await client.query('update trade.runs set ts_ended = null, outcome = null where run_id = $1', [runId]);
}

async function stateOf(
  client: pg.ClientBase,
  runId: number,
): Promise<Pick<OpenedRun, 'advancedTo' | 'graceMs' | 'periodMs' | 'opensAt'>> {
  const { rows } = await client.query<{
    grace_ms: number;
    period_ms: number;
    ts_advanced: string;
    ts_open: string;
  }>(STATE_SQL, [runId]);
  const [row] = rows;
  if (row === undefined) throw new Error(`run ${runId} has vanished`);
  return {
    advancedTo: parseEastern(row.ts_advanced) as EasternUs,
    graceMs: row.grace_ms,
    periodMs: row.period_ms,
    opensAt: parseEastern(row.ts_open) as EasternUs,
  };
}
