// What `strikebase status` says of live data: processes, streams, gaps, completeness, latencies. Empty sections are left out.
import type pg from 'pg';
import { type Format, printQuery } from './output.ts';
import { print } from './terminal.ts';

interface Section {
  readonly key: string;
  readonly title: string;
  readonly sql: string;
}

const TIME = "'MM-DD HH24:MI:SS'";

/** The sections, in the order in which they are printed. None is wider than 80 columns, but for words at the end. */
export const LIVE_SECTIONS: readonly Section[] = [
  {
    key: 'processes',
    title: 'Processes, by their last sign of life',
    // The supervisor and every process of it write each second or few; readiness is looked at once a minute. What has a time of its own (a demo) and was killed
    // looks the same as what is silent.
    sql: `
      select p.process, case when p.state = 'ended' or p.age_s < 150 then p.state else 'silent (' || p.state || ')' end as state,
        to_char(p.ts, ${TIME}) as seen, case when p.state <> 'ended' and p.age_s < 150 then p.pid end as pid, p.detail
      from panel.processes p
      order by p.state = 'ended' or p.age_s >= 150, p.process`,
  },
  {
    key: 'streams',
    title: 'Streams: rows a second and milliseconds from event to receipt, in their last minute',
    sql: `
      select s.stream, s.state, to_char(r.ts, 'MM-DD HH24:MI') as minute, round(r.events / 60.0, 1) as rows_s, r.lag_p50_ms as p50_ms,
        r.lag_p99_ms as p99_ms, round(r.spooled_bytes / 1e6, 1) as spool_mb, s.feed
      from panel.streams s
      join lateral (
        select x.* from ops.feed_rates x where x.feed_id = s.feed_id and x.stream = s.stream order by x.ts desc limit 1
      ) r on true
      order by s.stream, s.feed`,
  },
  {
    key: 'unfilled_gaps',
    title: 'Gaps that are not filled: they bar entries on their day',
    sql: `
      select g.stream, g.feed, to_char(g.ts_from, ${TIME}) as from, to_char(g.ts_to, 'HH24:MI:SS') as to, g.cause,
        g.attempts as tries, g.detail
      from panel.feed_gaps g
      where not g.is_filled
      order by g.ts_from desc
      limit 10`,
  },
  {
    key: 'feed_sessions',
    title: 'Last session of each feed that was checked against the vendor',
    sql: `
      select distinct on (s.feed) s.feed, s.session_date as session, s.minutes, s.minutes_short as short,
        round(s.volume_percent, 2) as volume_pct, to_char(s.ts_checked, ${TIME}) as checked
      from ops.feed_sessions s
      order by s.feed, s.session_date desc`,
  },
  {
    key: 'latencies',
    title: 'Latencies in milliseconds, in the last hour of trading',
    sql: `
      select l.stage, count(*) as n, round((percentile_cont(0.5) within group (order by l.micros) / 1000)::numeric, 1) as p50,
        round((percentile_cont(0.99) within group (order by l.micros) / 1000)::numeric, 1) as p99,
        round(max(l.micros) / 1000.0, 1) as max
      from ops.latency_samples l
      where l.ts > (select max(x.ts) from ops.latency_samples x) - interval '1 hour'
      group by l.stage
      order by l.stage`,
  },
];

/** Prints the sections that have rows. The client reads as owner. */
export async function printLive(client: pg.ClientBase, format: Format): Promise<void> {
  for (const { title, sql } of LIVE_SECTIONS) {
    const { rows } = await client.query(`select exists (${sql}) as is_any`);
    if (rows[0]?.is_any !== true) continue;
    print(`${title}\n`);
    await printQuery(client, { text: sql }, { format });
    print('\n');
  }
}

/** The same as columns of one JSON object: a list for each section. */
export function liveColumns(): string {
  const lists = LIVE_SECTIONS.map(
    ({ key, sql }) => `'${key}', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from (${sql}) t)`,
  );
  return `jsonb_build_object(${lists.join(', ')})`;
}
