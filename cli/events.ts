// strikebase events: the calendar of high-impact events that strategies stand aside for.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type pg from 'pg';
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples, withFormat } from './options.ts';
import { type Format, printQuery } from './output.ts';
import { print } from './terminal.ts';

interface EventRow {
  readonly ts: string;
  readonly name: string;
}

const LIST = 'select ts, name, source from ref.events order by ts, name';

// What is there already stays as it is.
const ADD = `
  insert into ref.events (ts, name, source)
  select x.ts, x.name, $2 from jsonb_to_recordset($1) as x (ts timestamp, name text)
  on conflict on constraint events_pk do nothing`;

/** The `events` subcommand. */
export function eventsCommand(): Command {
  const list = new Command('list')
    .description('Lists events.')
    .action((options: { db?: string; format: Format }) =>
      withDatabase(options, async (database) => {
        const client = await database.connectReader('job_runner');
        await printQuery(client, { text: LIST }, { format: options.format });
      }),
    );
  const add = new Command('add')
    .description('Adds one event.')
    .argument('<time>', 'when it happens, Eastern: "YYYY-MM-DD HH:MM"', parseTime)
    .argument('<name>', 'for example FOMC or CPI')
    .action((at: EasternUs, name: string, options: { db?: string }) =>
      store([{ ts: formatEastern(at), name }], 'by hand', options),
    );
  const load = new Command('import')
    .description('Adds the events of a CSV file with the header timestamp,name; times are Eastern.')
    .argument('<file>', 'CSV file')
    .action(async (path: string, options: { db?: string }) =>
      store(await readEvents(path), basename(path), options),
    );
  const drop = new Command('drop')
    .description('Removes events of a time.')
    .argument('<time>', 'as list shows it', parseTime)
    .action(dropEvents);
  const command = new Command('events')
    .description(
      'The calendar of events (FOMC, CPI …) around which a strategy with blackout_min makes no entry. Positions are managed as ever.',
    )
    .addCommand(withExamples(withDb(withFormat(list)), 'events list'))
    .addCommand(withExamples(withDb(add), 'events add "2026-12-09 14:00" FOMC'))
    .addCommand(withExamples(withDb(load), 'events import fomc_2026.csv'))
    .addCommand(withExamples(withDb(drop), 'events drop "2026-12-09 14:00"'));
  return withExamples(command, 'events list', 'events add "2026-12-09 14:00" FOMC');
}

function parseTime(text: string): EasternUs {
  const at = parseEastern(text);
  if (at === null) throw new InvalidArgumentError('Write "YYYY-MM-DD HH:MM", Eastern.');
  return at;
}

async function readEvents(path: string): Promise<EventRow[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Failure(`${path} cannot be read: ${errorText(error)}`);
  });
  const [header, ...lines] = text.trim().split(/\r?\n/);
  if (header?.toLowerCase().replaceAll(' ', '') !== 'timestamp,name')
    throw new Failure(`${path}:1: the header is not timestamp,name`);
  return lines.map((line, index) => {
    const at = line.indexOf(',');
    const ts = parseEastern(line.slice(0, at).trim());
    const name = line.slice(at + 1).trim();
    if (at > 0 && ts !== null && name !== '') return { ts: formatEastern(ts), name };
    throw new Failure(`${path}:${index + 2}: not a time and a name: ${line.slice(0, 80)}`, {
      hint: 'Nothing of the file was taken. A line reads 2026-12-09 14:00:00,FOMC',
    });
  });
}

async function store(
  rows: readonly EventRow[],
  source: string,
  options: { readonly db?: string },
): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connect('job_runner');
    const { rowCount } = await client.query(ADD, [JSON.stringify(rows), source]);
    const known = rows.length - (rowCount ?? 0);
    print(`${rowCount ?? 0} added${known > 0 ? `, ${known} known already` : ''}\n${await using(client)}`);
  });
}

async function dropEvents(at: EasternUs, options: { readonly db?: string }): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connect('job_runner');
    const { rowCount } = await client.query('delete from ref.events where ts = $1', [formatEastern(at)]);
    if (rowCount === 0)
      throw new Failure(`there is no event at ${formatEastern(at)}`, {
        hint: '`strikebase events list` shows them.',
      });
    print(`${rowCount} dropped\n`);
  });
}

/** Who stands aside for them: an event that nobody heeds would be a false comfort. */
async function using(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ strategy: string; blackout_min: number }>(
    'select strategy, blackout_min from ref.current_strategies where blackout_min > 0 order by strategy',
  );
  if (rows.length === 0)
    return 'no strategy heeds events: `strikebase strategies set NAME blackout_min=120`\n';
  return `${rows.map((row) => `${row.strategy} makes no entry within ${row.blackout_min} minutes of an event`).join('\n')}\n`;
}
