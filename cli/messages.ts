// strikebase messages: what is told to people, by Telegram and by webhook.
import { Command } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { type Config, loadConfig } from '../core/config.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { createLog } from '../core/log.ts';
import { type Channel, openChannels } from '../jobs/messages/channels.ts';
import { sendMessages, sendMessagesOnce } from '../jobs/send_messages.ts';
import { withDatabase } from './database.ts';
import { interrupt } from './interrupt.ts';
import { parseCount, withDb, withExamples, withFormat } from './options.ts';
import { type Format, printQuery } from './output.ts';
import { note, print } from './terminal.ts';

const LIST_SQL = `
  select o.ts, o.kind, o.severity, o.text,
    coalesce(string_agg(d.channel || case when d.ts_sent is not null then ' sent'
      when d.ts_next is null then ' given up: ' || d.error else ' waits: ' || d.error end, ', ' order by d.channel), 'not tried') as delivery
  from ops.alert_outbox o
  left join ops.message_deliveries d on d.alert_id = o.alert_id
  where o.alert_id in (select x.alert_id from ops.alert_outbox x order by x.alert_id desc limit $1)
  group by o.alert_id
  order by o.alert_id`;

/** The `messages` subcommand. */
export function messagesCommand(): Command {
  const command = new Command('messages')
    .description(
      'Tells people what live runs do: entries, exits, the end of each day with its P/L, halts and alarms. They go to the ' +
        'channels that are configured: Telegram (TELEGRAM_BOT_TOKEN, TELEGRAM_CHAT_ID) and a webhook (ALERT_WEBHOOK_URL).',
    )
    .addCommand(sendCommand())
    .addCommand(testCommand())
    .addCommand(listCommand());
  return withExamples(command, 'messages test', 'messages send', 'messages list --last 20');
}

function sendCommand(): Command {
  const command = new Command('send')
    .description(
      'Sends messages until Ctrl-C or SIGTERM, each at least once to every channel; runs beside the other processes.',
    )
    .option('--once', 'send what is waiting and end; exits 1 if a channel has not taken everything', false);
  return withExamples(withDb(command), 'messages send', 'messages send --once').action(runSend);
}

function testCommand(): Command {
  const command = new Command('test').description(
    'Posts one test message to every channel, past the database.',
  );
  return withExamples(command, 'messages test').action(runTest);
}

function listCommand(): Command {
  const command = new Command('list')
    .description('The last messages, and what became of them.')
    .option('--last <n>', 'how many', parseCount, 20);
  return withExamples(
    withDb(withFormat(command)),
    'messages list',
    'messages list --last 5 --format json',
  ).action((options: { readonly last: number; readonly format: Format; readonly db?: string }) =>
    withDatabase(options, async (database) => {
      const client = await database.connectReader('job_runner');
      const { format, last } = options;
      if (format === 'table') await printLines(client, last);
      else await printQuery(client, { text: LIST_SQL, values: [last] }, { format });
    }),
  );
}

interface Listed {
  readonly ts: string;
  readonly severity: string;
  readonly text: string;
  readonly delivery: string;
}

// As sentences: a table would cut off what they say.
async function printLines(client: pg.ClientBase, last: number): Promise<void> {
  const { rows } = await client.query<Listed>(LIST_SQL, [last]);
  for (const { ts, severity, text, delivery } of rows) {
    const mark = severity === 'info' ? '' : `${severity}: `;
    print(`${ts.slice(0, 19)}  ${mark}${text}\n${' '.repeat(21)}(${delivery})\n`);
  }
  if (rows.length === 0) note('no messages yet');
}

function channelsOf(config: Config): readonly Channel[] {
  const channels = openChannels(config);
  if (channels.length > 0) return channels;
  throw new Failure('there is no channel to send messages to', {
    hint: 'Set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, or ALERT_WEBHOOK_URL, in .env; .env.example explains them.',
    exitCode: 2,
  });
}

async function runSend(options: { readonly once: boolean; readonly db?: string }): Promise<void> {
  const config = loadConfig();
  const channels = channelsOf(config);
  await withDatabase(options, async ({ url }) => {
    const log = createLog(config, { name: 'messages' });
    const onEvent = (event: string, data: Readonly<Record<string, unknown>>): void => {
      if (event === 'sent' || event === 'composed') log.info(data, event);
      else log.warn(data, event);
    };
    const sending = { url, channels, clock: systemClock(), signal: interrupt(), onEvent };
    if (!options.once) {
      note(`messages go to ${channels.map(({ name }) => name).join(' and ')}; Ctrl-C ends it`);
      await sendMessages(sending);
      return;
    }
    const { sent, waiting } = await sendMessagesOnce(sending);
    const left = Object.entries(waiting).filter(([, count]) => count > 0);
    note(`${sent} delivered${left.map(([name, count]) => `, ${count} wait for ${name}`).join('')}`);
    if (left.length > 0) process.exitCode = 1;
  });
}

async function runTest(): Promise<void> {
  const ts = formatEastern(systemClock().now());
  const message = { alert_id: 0, key: `test-${ts}`, kind: 'alert', severity: 'info', ts } as const;
  for (const channel of channelsOf(loadConfig())) {
    const outcome = await channel.send(
      [{ ...message, text: `strikebase: a test message, ${ts} Eastern` }],
      interrupt(),
    );
    note(outcome.kind === 'sent' ? `${channel.name}: delivered` : `${channel.name}: ${outcome.reason}`);
    if (outcome.kind !== 'sent') process.exitCode = 1;
  }
}
