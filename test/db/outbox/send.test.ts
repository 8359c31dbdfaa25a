// Delivery over real sockets: servers that fail, delay, throttle and refuse.
import { beforeEach, expect, it } from 'vitest';
import { acceleratedClock } from '../../../core/clock.ts';
import { parseConfig } from '../../../core/config.ts';
import { openChannels } from '../../../jobs/messages/channels.ts';
import { retryMs, type SendOptions, sendMessages, sendMessagesOnce } from '../../../jobs/send_messages.ts';
import { runCli } from '../../cli/capture.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { eastern } from '../support/market.ts';
import { type HookServer, hookServer } from './hook_server.ts';

const TOKEN = '123456:token-that-nobody-may-see';
const HOOK_PATH = '/services/hook-secret';
const NOW = '2027-05-03 10:00';
const database = useDatabase();
let count = 0;

beforeEach(async () => {
  // Messages cannot be deleted, but what every channel has taken is over.
  await database.pool().query(
    `insert into ops.message_deliveries (alert_id, channel, attempts, ts_tried, ts_sent)
     select o.alert_id, c, 1, o.ts, o.ts from ops.alert_outbox o cross join unnest('{telegram,webhook}'::text[]) c
     on conflict on constraint message_deliveries_pk do update set ts_sent = excluded.ts_sent, ts_next = null`,
  );
});

async function write(...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    count += 1;
    const severity = text.startsWith('!') ? 'critical' : 'info';
    await database
      .pool()
      .query('insert into ops.alert_outbox (ts, key, severity, text) values ($1, $2, $3, $4)', [
        NOW,
        `test-${count}`,
        severity,
        text,
      ]);
  }
}

function options(
  servers: { telegram?: HookServer; webhook?: HookServer },
  signal?: AbortSignal,
): SendOptions {
  const { telegram, webhook } = servers;
  const channels = openChannels(
    parseConfig({
      ...(telegram === undefined
        ? {}
        : { TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_CHAT_ID: '-42', TELEGRAM_API_URL: telegram.url }),
      ...(webhook === undefined ? {} : { ALERT_WEBHOOK_URL: `${webhook.url}${HOOK_PATH}` }),
    }),
  );
  return {
    url: database.url(),
    channels,
    clock: acceleratedClock({ start: eastern(`${NOW}:01`), speed: 1 }),
    signal: signal ?? new AbortController().signal,
    pollMs: 10,
    timing: { firstRetryMs: 20, maxRetryMs: 80, maxRetryAfterMs: 3_600_000, gapMs: 1 },
  };
}

/** Sends until `done` holds. */
async function sendUntil(
  servers: { telegram?: HookServer; webhook?: HookServer },
  done: () => void | Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const sending = sendMessages(options(servers, ending.signal));
  try {
    await eventually(done, { timeoutMs: 10_000 });
  } finally {
    ending.abort();
    await sending;
  }
}

async function storedErrors(): Promise<string[]> {
  const { rows } = await database
    .pool()
    .query<{ error: string }>('select error from ops.message_deliveries where error is not null');
  return rows.map(({ error }) => error);
}

it('reaches both channels, the critical ones first, each message once', async () => {
  await write('one', '! two', 'three');
  const [telegram, webhook] = [await hookServer(), await hookServer()];
  const result = await sendMessagesOnce(options({ telegram, webhook }));
  expect(result).toEqual({ sent: 6, waiting: { telegram: 0, webhook: 0 } });
  expect(telegram.posts[0]).toMatchObject({
    path: `/bot${TOKEN}/sendMessage`,
    body: { chat_id: '-42', text: '🔴 ! two\none\nthree' },
  });
  expect(webhook.posts[0]).toMatchObject({
    path: HOOK_PATH,
    body: {
      messages: [
        { text: '! two', severity: 'critical' },
        { text: 'one' },
        { text: 'three', ts: `${NOW}:00` },
      ],
    },
  });
  await sendMessagesOnce(options({ telegram, webhook }));
  expect([telegram.posts.length, webhook.posts.length]).toEqual([1, 1]);
});

it('tries again after errors and cut connections, and a dead channel does not hold up the other', async () => {
  await write('four');
  const telegram = await hookServer(async (_, nth) => (nth % 2 === 0 ? 'cut' : { status: 500 }));
  const flaky = await hookServer(async (_, nth) => (nth < 4 ? { status: 503 } : { status: 204 }));
  await sendUntil({ telegram, webhook: flaky }, () => {
    expect(flaky.taken()).toEqual(['four']);
    expect(telegram.posts.length).toBeGreaterThan(4);
  });
  expect(flaky.posts).toHaveLength(4);
});

it('waits for an answer that hangs without holding up the other channel', async () => {
  await write('five');
  const telegram = await hookServer(() => new Promise(() => undefined));
  const webhook = await hookServer();
  await sendUntil({ telegram, webhook }, () => expect(webhook.taken()).toEqual(['five']));
  expect(telegram.posts).toHaveLength(1);
  // It was cut off by the end of the process, which is no failure of the channel: the next start sends it.
  const again = await hookServer();
  await sendMessagesOnce(options({ telegram: again }));
  expect(again.taken()).toEqual(['five']);
});

it('waits as long as the channel asks, in a header or as Telegram says it', async () => {
  await write('six');
  const asked = 400;
  const telegram = await hookServer(async (_, nth) =>
    nth === 1
      ? {
          status: 429,
          body: { ok: false, description: 'Too Many Requests', parameters: { retry_after: asked / 1000 } },
        }
      : { status: 200 },
  );
  const webhook = await hookServer(async (_, nth) =>
    nth === 1 ? { status: 429, headers: { 'retry-after': String(asked / 1000) } } : { status: 200 },
  );
  await sendUntil({ telegram, webhook }, () => {
    expect([telegram.taken(), webhook.taken()]).toEqual([['six'], ['six']]);
  });
  for (const { posts } of [telegram, webhook]) {
    expect((posts[1]?.atMs ?? 0) - (posts[0]?.atMs ?? 0)).toBeGreaterThan(asked - 20);
  }
});

it('doubles its waits up to the cap, and never asks sooner than it was told to', () => {
  const timing = { firstRetryMs: 1000, maxRetryMs: 300_000, maxRetryAfterMs: 3_600_000, gapMs: null };
  const failed = (retryAfterMs: number | null) => ({ kind: 'failed', reason: '', retryAfterMs }) as const;
  expect([1, 2, 3, 9, 10, 1000].map((attempts) => retryMs(attempts, failed(null), timing))).toEqual([
    1000, 2000, 4000, 256_000, 300_000, 300_000,
  ]);
  expect(retryMs(1, failed(30_000), timing)).toBe(30_000);
  expect(retryMs(1, failed(1e12), timing)).toBe(3_600_000);
});

it('gives up a message that the channel refuses, and delivers the others', async () => {
  await write('good', 'bad', 'fine');
  const webhook = await hookServer(async ({ body }) => ({
    status: String(body.text).includes('bad') ? 422 : 200,
  }));
  await sendUntil({ webhook }, async () => {
    const { rows } = await database
      .pool()
      .query(
        "select 1 from ops.message_deliveries where ts_sent is null and ts_next is null and error like 'HTTP 422%'",
      );
    expect(rows).toHaveLength(1);
  });
  expect(webhook.taken()).toEqual(['good', 'fine']);
});

it('packs a backlog into few posts', async () => {
  await write(...Array.from({ length: 25 }, (_, n) => `line ${n}`));
  const webhook = await hookServer();
  expect(await sendMessagesOnce(options({ webhook }))).toMatchObject({ sent: 25 });
  expect(webhook.posts).toHaveLength(3);
  expect(webhook.taken()).toHaveLength(25);
});

it('repeats a message rather than lose it when its record could not be written', async () => {
  await write('seven');
  const webhook = await hookServer();
  await database
    .pool()
    .query('alter table ops.message_deliveries add constraint broken check (ts_sent is null) not valid');
  await expect(sendMessagesOnce(options({ webhook }))).rejects.toThrow(/broken/);
  await database.pool().query('alter table ops.message_deliveries drop constraint broken');
  await sendMessagesOnce(options({ webhook }));
  expect(webhook.taken()).toEqual(['seven', 'seven']);
});

it('goes on when its connection to the database is cut', async () => {
  await write('before');
  const webhook = await hookServer();
  await sendUntil({ webhook }, async () => {
    if (webhook.posts.length === 0) throw new Error('not yet');
    if (webhook.posts.length > 1) return expect(webhook.taken()).toContain('after');
    await database
      .pool()
      .query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'strikebase messages%'",
      );
    await write('after');
    await eventually(() => expect(webhook.taken()).toContain('after'));
  });
});

it('ends with the error when the database refuses what it must write', async () => {
  await write('never recorded');
  const webhook = await hookServer();
  await database.pool().query('revoke insert, update on ops.message_deliveries from job_runner');
  try {
    await expect(sendMessages(options({ webhook }))).rejects.toThrow(/permission denied/);
  } finally {
    await database.pool().query('grant insert, update on ops.message_deliveries to job_runner');
  }
});

it('lets one process send, and tells a second one so', async () => {
  const webhook = await hookServer();
  const ending = new AbortController();
  await database.pool().query('delete from ops.heartbeats');
  const first = sendMessages(options({ webhook }, ending.signal));
  await eventually(async () => {
    const { rows } = await database
      .pool()
      .query("select 1 from ops.heartbeats where process = 'messages' and state = 'sending'");
    expect(rows).toHaveLength(1);
  });
  await expect(sendMessagesOnce(options({ webhook }))).rejects.toThrow(/another process sends the messages/);
  ending.abort();
  await first;
});

it('keeps tokens out of rows, whatever a channel answers', async () => {
  await write('eight');
  const telegram = await hookServer(async ({ path }) => ({
    status: 401,
    body: { ok: false, description: `Unauthorized: no bot at ${path}\u001b[31m` },
  }));
  const webhook = await hookServer(async ({ path }) => ({ status: 404, body: { error: path } }));
  const events: unknown[] = [];
  const sending = { ...options({ telegram, webhook }), onEvent: (...event: unknown[]) => events.push(event) };
  expect(await sendMessagesOnce(sending)).toEqual({ sent: 0, waiting: { telegram: 1, webhook: 1 } });
  const kept = JSON.stringify([await storedErrors(), events]);
  expect(kept).toMatch(/HTTP 401: Unauthorized/);
  expect(kept).not.toMatch(/token-that|hook-secret|u001b/);
});

it('refuses half a channel and unencrypted addresses, without showing them', () => {
  const open = (env: Record<string, string>) => () => openChannels(parseConfig(env));
  expect(open({})()).toEqual([]);
  expect(open({ TELEGRAM_BOT_TOKEN: TOKEN })).toThrow(/TELEGRAM_CHAT_ID is not set/);
  expect(open({ TELEGRAM_CHAT_ID: '1' })).toThrow(/TELEGRAM_BOT_TOKEN is not set/);
  expect(open({ ALERT_WEBHOOK_URL: 'http://example.com/hook-secret' })).toThrow(
    /^ALERT_WEBHOOK_URL is not an https/,
  );
});

it('is listed with what became of it', async () => {
  await write('nine');
  const webhook = await hookServer(async () => ({ status: 503 }));
  await sendMessagesOnce(options({ webhook }));
  const { code, stdout } = await runCli('messages', 'list', '--last', '1', '--db', database.url());
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${NOW}:00  nine\n                     (webhook waits: HTTP 503)\n`,
  });
});

it('is not sent by a command that has no channel', async () => {
  const { code, stderr } = await runCli('messages', 'send', '--once', '--db', database.url());
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/no channel[\s\S]*TELEGRAM_BOT_TOKEN/),
  });
});
