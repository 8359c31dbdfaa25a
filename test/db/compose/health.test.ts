// `strikebase health`: what a container's health check is told.
import { expect, it } from 'vitest';
import { runCli } from '../../cli/capture.ts';
import { useDatabase } from '../../harness.ts';

const db = useDatabase();

async function beat(process: string, age: string): Promise<void> {
  await db.pool().query(
    `insert into ops.heartbeats (process, pid, ts, state) values ($1, 1, localtimestamp - $2::interval, 'live')
     on conflict on constraint heartbeats_pk do update set ts = excluded.ts`,
    [process, age],
  );
}

function health(...words: readonly string[]) {
  return runCli('health', ...words, '--db', db.url());
}

it('asks the database alone where no process is named', async () => {
  expect(await health()).toMatchObject({ code: 0, stdout: 'the database answers\n' });
  const gone = await runCli('health', '--db', 'postgres://nobody@127.0.0.1:1/none');
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/no database answers/) });
});

it('fails for a process that has not shown itself lately', async () => {
  expect(await health('ready')).toMatchObject({ code: 1, stderr: expect.stringMatching(/never shown/) });
  await beat('ready', '1 minute');
  expect(await health('ready')).toMatchObject({ code: 0 });
  await beat('ready', '10 minutes');
  expect(await health('ready')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/seen 10 minutes ago/),
  });
});

it('asks for streams and rules in sessions only', async () => {
  await db.pool().query("delete from ref.sessions where session_date >= '2026-01-01'");
  for (const name of ['ingest-equities', 'ingest-options', 'advance']) {
    expect(await health(name)).toMatchObject({ code: 0, stdout: expect.stringMatching(/no session/) });
  }
  await db.pool().query(
    `insert into ref.sessions values (localtimestamp::date, localtimestamp - interval '1 hour', localtimestamp + interval '1 hour',
       localtimestamp + interval '1 hour', false)`,
  );
  // `ready` asks by the same signs of life, and says what is missing.
  const checks = JSON.parse((await runCli('ready', '--format', 'json', '--db', db.url())).stdout);
  expect(checks).toContainEqual(
    expect.objectContaining({
      check: 'processes',
      ok: false,
      detail: expect.stringMatching(/^not running: ingest-equities, ingest-options, advance;/),
    }),
  );
  expect(checks).toContainEqual(
    expect.objectContaining({ check: 'session', detail: expect.stringMatching(/^on: /) }),
  );
  for (const [name, process] of [
    ['ingest-equities', 'ingest-equities'],
    ['ingest-options', 'ingest-options'],
    ['advance', 'live-paper'],
  ] as const) {
    expect(await health(name)).toMatchObject({ code: 1 });
    await beat(process, '2 seconds');
    expect(await health(name)).toMatchObject({ code: 0 });
  }
});

it('knows no other names', async () => {
  expect(await health('coffee')).toMatchObject({ code: 2, stderr: expect.stringMatching(/ingest-equities/) });
});
