// Delivers messages to people: at least once to every channel, critical ones first, and no channel waits for another.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { type LastingConnection, lastingConnection } from '../db/lasting_connection.ts';
import type { Channel, SendOutcome } from './messages/channels.ts';
import {
  composeMessages,
  type DueMessage,
  dueMessages,
  recordTried,
  waitingCount,
} from './messages/deliveries.ts';
import { heartbeatOf } from './orders/account_connection.ts';

export interface SendOptions {
  readonly url: string;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Clock time between two looks at the facts; default 2,000. */
  readonly pollMs?: number;
  readonly timing?: Partial<SendTiming>;
  readonly onEvent?: (event: string, data: Readonly<Record<string, unknown>>) => void;
}

export interface SendTiming {
  /** Wait after the first failure; it doubles from there. */
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** What a channel may ask for with Retry-After. */
  readonly maxRetryAfterMs: number;
  /** Least time between two posts to a channel; null leaves it to the channel. */
  readonly gapMs: number | null;
}

export interface SendResult {
  readonly sent: number;
  /** By channel: messages that it has not taken. */
  readonly waiting: Readonly<Record<string, number>>;
}

const POLL_MS = 2000;
// They look at much more, and none of them fires within less.
const ALARMS_MS = 15_000;
const TIMING: SendTiming = {
  firstRetryMs: 1000,
  maxRetryMs: 300_000,
  maxRetryAfterMs: 3_600_000,
  gapMs: null,
};
// A backlog goes out in a few posts rather than as a flood that the channel would throttle.
const BATCH = 10;
// A message that the channel itself finds fault with.
const MAX_REFUSALS = 3;
const LOCK_WAIT_MS = 2000;
const RELOCK_WAIT_MS = 60_000;

/** Composes and delivers until the signal is aborted. Throws a Failure when another process does it already. */
export async function sendMessages(options: SendOptions): Promise<SendResult> {
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  return withSender({ ...options, signal }, async (sender) => {
    const loops = [followFacts(sender), ...options.channels.map((channel) => followChannel(sender, channel))];
    // What ends one of them ends them all.
    for (const loop of loops) loop.catch(() => ending.abort());
    const ends = await Promise.allSettled(loops);
    const failure = ends.find((end) => end.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    return sender.result();
  });
}

/** Composes and delivers what is due now, tries each failing channel once, and ends. */
export async function sendMessagesOnce(options: SendOptions): Promise<SendResult> {
  return withSender(options, async (sender) => {
    await sender.compose();
    await Promise.all(options.channels.map((channel) => emptyChannel(sender, channel)));
    return sender.result();
  });
}

interface Sender {
  readonly options: SendOptions;
  readonly timing: SendTiming;
  /** Sends up to ten messages; what became of them, or null where there were none. */
  post(channel: Channel): Promise<SendOutcome | null>;
  compose(): Promise<void>;
  result(): Promise<SendResult>;
}

async function withSender<T>(options: SendOptions, work: (sender: Sender) => Promise<T>): Promise<T> {
  const connection = await openLocked(options);
  try {
    return await work(senderOn(connection, options));
  } finally {
    await connection.end();
  }
}

function senderOn(connection: LastingConnection, options: SendOptions): Sender {
  const { clock, onEvent = () => undefined, channels } = options;
  const timing = { ...TIMING, ...options.timing };
  const beat = heartbeatOf(connection, 'messages');
  let sent = 0;
  let alarmsDue = 0 as EasternUs;
  const record: Recorder = (messages, channel, outcome) =>
    connection.run((client) =>
      recordOutcome(client, messages, { channel, outcome, now: clock.now(), timing }),
    );
  return {
    options,
    timing,
    compose: async () => {
      const now = clock.now();
      await beat(now, 'sending', `${sent} delivered to ${channels.map(({ name }) => name).join(', ')}`);
      let written = await connection.run((client) => composeMessages(client, now));
      if (now >= alarmsDue) {
        written += await connection.run((client) => composeMessages(client, now, 'ops.compose_alarms'));
        alarmsDue = addMs(now, ALARMS_MS);
      }
      if (written > 0) onEvent('composed', { messages: written });
    },
    post: async (channel) => {
      const due = await connection.run((client) =>
        dueMessages(client, { channel: channel.name, now: clock.now(), limit: BATCH }),
      );
      if (due.length === 0) return null;
      const { delivered, outcome } = await deliver(channel, due, { record, signal: options.signal });
      sent += delivered;
      const data = { channel: channel.name, messages: due.length };
      if (outcome.kind === 'sent') onEvent('sent', data);
      else onEvent(outcome.kind, { ...data, reason: outcome.reason });
      return outcome;
    },
    result: async () => {
      const counts = await connection.run(async (client) => {
        const rows: [string, number][] = [];
        for (const { name } of channels) rows.push([name, await waitingCount(client, name, clock.now())]);
        return rows;
      });
      return { sent, waiting: Object.fromEntries(counts) };
    },
  };
}

type Recorder = (messages: readonly DueMessage[], channel: Channel, outcome: SendOutcome) => Promise<void>;

/** Posts them together; where the channel finds fault with them, one by one, to find out with which. */
async function deliver(
  channel: Channel,
  due: readonly DueMessage[],
  { record, signal }: { readonly record: Recorder; readonly signal: AbortSignal },
): Promise<{ delivered: number; outcome: SendOutcome }> {
  let outcome = await channel.send(due, signal);
  if (outcome.kind !== 'refused' || due.length === 1) {
    // A post that Ctrl-C cut off is tried again at the next start: it is no failure of the channel.
    if (outcome.kind === 'sent' || !signal.aborted) await record(due, channel, outcome);
    return { delivered: outcome.kind === 'sent' ? due.length : 0, outcome };
  }
  let delivered = 0;
  for (const message of due) {
    if (signal.aborted) break;
    outcome = await channel.send([message], signal);
    if (outcome.kind === 'sent') delivered += 1;
    if (outcome.kind === 'sent' || !signal.aborted) await record([message], channel, outcome);
    if (outcome.kind === 'failed') break;
  }
  return { delivered, outcome };
}

async function recordOutcome(
  client: pg.ClientBase,
  messages: readonly DueMessage[],
  {
    channel,
    outcome,
    now,
    timing,
  }: {
    readonly channel: Channel;
    readonly outcome: SendOutcome;
    readonly now: EasternUs;
    readonly timing: SendTiming;
  },
): Promise<void> {
  const tried = { channel: channel.name, at: now };
  if (outcome.kind === 'sent') return recordTried(client, messages, { ...tried, next: null, error: null });
  const { reason: error } = outcome;
  for (const message of messages) {
    const isGivenUp = outcome.kind === 'refused' && message.attempts + 1 >= MAX_REFUSALS;
    const next = isGivenUp ? null : addMs(now, retryMs(message.attempts + 1, outcome, timing));
    await recordTried(client, [message], { ...tried, next, error });
  }
}

/** The wait after so many attempts: doubled each time up to a cap, and never shorter than the channel asks for. */
export function retryMs(attempts: number, outcome: SendOutcome, timing: SendTiming): number {
  const doubled = Math.min(timing.firstRetryMs * 2 ** Math.min(attempts - 1, 30), timing.maxRetryMs);
  const asked = outcome.kind === 'failed' ? (outcome.retryAfterMs ?? 0) : 0;
  return Math.max(doubled, Math.min(asked, timing.maxRetryAfterMs));
}

async function followFacts(sender: Sender): Promise<void> {
  const { clock, signal, pollMs = POLL_MS } = sender.options;
  while (!signal.aborted) {
    await sender.compose();
    await clock.sleep(pollMs, signal);
  }
}

async function followChannel(sender: Sender, channel: Channel): Promise<void> {
  const { clock, signal, pollMs = POLL_MS } = sender.options;
  const gapMs = sender.timing.gapMs ?? channel.gapMs;
  let failures = 0;
  while (!signal.aborted) {
    const outcome = await sender.post(channel);
    failures = outcome?.kind === 'failed' ? failures + 1 : 0;
    // The channel is at fault: a message that has not been tried yet would fare no better.
    if (outcome?.kind === 'failed') await clock.sleep(retryMs(failures, outcome, sender.timing), signal);
    else await clock.sleep(outcome === null ? pollMs : gapMs, signal);
  }
}

async function emptyChannel(sender: Sender, channel: Channel): Promise<void> {
  const { clock, signal } = sender.options;
  while (!signal.aborted) {
    const outcome = await sender.post(channel);
    if (outcome === null || outcome.kind === 'failed') return;
    await clock.sleep(sender.timing.gapMs ?? channel.gapMs, signal);
  }
}

function openLocked(options: SendOptions): Promise<LastingConnection> {
  let waitMs = LOCK_WAIT_MS;
  return lastingConnection({
    url: options.url,
    role: 'job_runner',
    name: `messages process ${process.pid}`,
    signal: options.signal,
    onLoss: (error) => options.onEvent?.('database lost', { reason: errorText(error) }),
    prepare: async (client) => {
      await lockSender(client, waitMs);
      // Our own lost connection may live on at the server until it notices.
      waitMs = RELOCK_WAIT_MS;
    },
  });
}

const LOCK_NOT_AVAILABLE = '55P03';

async function lockSender(client: pg.Client, waitMs: number): Promise<void> {
  await client.query("select set_config('lock_timeout', $1, false)", [String(waitMs)]);
  try {
    await client.query("select pg_advisory_lock(hashtextextended('ops.messages', 0))");
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    throw new Failure('another process sends the messages of this database already', {
      hint: 'One is enough: stop that one, or leave it running.',
    });
  } finally {
    await client.query('set lock_timeout = 0').catch(() => undefined);
  }
}
