// What Tradier's feed had to take, instant by instant, against what is stored: all of it, or told as missed.
import { type EasternUs, formatEastern, parseEastern } from '../../core/eastern_time.ts';
import { TRADIER_SCHEDULE } from '../../ingest/tradier/feed.ts';
import { minuteTimes, snapshotTimes, targetExpirations } from '../../ingest/tradier/schedule.ts';
import type { SessionArguments } from '../../sim/session.ts';
import type { TradierMarket } from '../../sim/tradier/market.ts';
import type { Stage } from './stage.ts';
import type { Stored } from './venue.ts';

const UNDERLYING = '$SPX';
const INDEXES = 3;

const SNAPSHOTS_SQL = `
  select s.ts_event::text as ts, s.expiration::text as expiration,
    (select count(*)::integer from market.option_snapshots o where o.snapshot_id = s.snapshot_id) as contracts,
    (
      select count(*)::integer from market.option_quotes q join ref.instruments i using (instrument_id)
      where q.ts_event = s.ts_event and i.expiration = s.expiration
    ) as quotes
  from market.chain_snapshots s`;

const MINUTES_SQL = `
  select t.ts_event::text as ts from market.equity_ticks t join ref.instruments i using (instrument_id)
  where i.kind = 'index' group by t.ts_event having count(distinct t.instrument_id) = ${INDEXES}`;

const MISSED_SQL =
  "select g.ts_from::text as ts, g.ts_to::text as ts_to, g.ts_opened::text, g.detail from ops.feed_gaps g where g.cause = 'missed'";

interface MissedRow {
  readonly ts: string;
  readonly ts_to: string;
  readonly ts_opened: string;
  readonly detail: string;
}

interface SnapshotRow {
  readonly ts: string;
  readonly expiration: string;
  readonly contracts: number;
  readonly quotes: number;
}

/** Compares the snapshots and the minutes that were due in a session with the rows of them. */
export async function checkDue(
  stage: Stage,
  market: TradierMarket,
  session: SessionArguments & { readonly everyMs: number },
): Promise<Stored> {
  const { rows } = stage;
  const snapshots = new Map(
    (await rows<SnapshotRow>(SNAPSHOTS_SQL)).map((row) => [`${parseEastern(row.ts)} ${row.expiration}`, row]),
  );
  const minutes = new Set((await rows<{ ts: string }>(MINUTES_SQL)).map(({ ts }) => parseEastern(ts)));
  const gaps = (await rows<MissedRow>(MISSED_SQL)).map(({ ts, ts_to, ts_opened, detail }) => ({
    from: parseEastern(ts) as EasternUs,
    to: parseEastern(ts_to) as EasternUs,
    told: `at ${ts_opened} (${detail})`,
  }));
  const isTold = (at: EasternUs): boolean => gaps.some(({ from, to }) => at >= from && at <= to);
  const total = { expected: 0, stored: 0, inGaps: 0, lost: [] as string[], problems: [] as string[] };
  const lacking = new Set<EasternUs>();
  const count = (at: EasternUs, what: string, fault: string | null): void => {
    total.expected += 1;
    if (fault === null) total.stored += 1;
    else {
      lacking.add(at);
      if (isTold(at)) total.inGaps += 1;
      else total.lost.push(`${what} of ${formatEastern(at)} ${fault}`);
    }
  };
  for (const at of snapshotTimes({ ...TRADIER_SCHEDULE, ...session })) {
    const listed = market.expirations(UNDERLYING, at);
    for (const expiration of targetExpirations(listed, session.sessionDate, TRADIER_SCHEDULE)) {
      const contracts = market.chain(UNDERLYING, expiration, at).length;
      const row = snapshots.get(`${at} ${expiration}`);
      const isWhole = row !== undefined && row.contracts === contracts && row.quotes >= contracts;
      const fault =
        row === undefined
          ? 'is not stored'
          : `has ${row.contracts} contracts and ${row.quotes} quotes of ${contracts}`;
      count(at, `the chain of ${expiration}`, isWhole ? null : fault);
    }
  }
  for (const at of minuteTimes(session))
    count(at, 'the minute', minutes.has(at) ? null : 'has no index values');
  for (const { from, to, told } of gaps)
    if (![...lacking].some((at) => at >= from && at <= to))
      total.problems.push(`${formatEastern(from)} is told as missed ${told}, and all of it is stored`);
  return { what: 'chains and minutes due', ...total };
}
