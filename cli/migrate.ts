// strikebase migrate: the database to the current schema.
import { Command } from 'commander';
import { loadConfig } from '../core/config.ts';
import { setAnalystPassword } from '../db/analyst.ts';
import { setGrafanaPassword } from '../db/grafana_login.ts';
import { migrate } from '../db/migrate.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples } from './options.ts';
import { note, print } from './terminal.ts';

/** The `migrate` subcommand. */
export function migrateCommand(): Command {
  const command = new Command('migrate')
    .description(
      'Applies pending migrations and changed routines. Doing it twice changes nothing; the embedded database does it by itself. ' +
        'With ANALYST_PASSWORD or GRAFANA_DB_PASSWORD set, the read-only user analyst or grafana may log in with it from then on.',
    )
    .action(migrateDatabase);
  return withExamples(withDb(command), 'migrate --db postgres://owner@db.example/strikebase');
}

async function migrateDatabase(options: { readonly db?: string }): Promise<void> {
  await withDatabase({ ...options, schema: 'any' }, async (database) => {
    let steps = 0;
    await migrate(database.url, {
      onStep: (text) => {
        steps += 1;
        note(`applied ${text}`);
      },
    });
    const { analystPassword, grafanaDbPassword } = loadConfig();
    if (analystPassword !== null) {
      await setAnalystPassword(await database.connect('owner'), analystPassword);
      note('user analyst may log in and read schema panel');
    }
    if (grafanaDbPassword !== null) {
      await setGrafanaPassword(await database.connect('owner'), grafanaDbPassword);
      note('user grafana may log in and read schema panel');
    }
    print(
      `${database.label}: ${steps === 0 ? 'nothing to do, the schema is current' : 'the schema is current now'}\n`,
    );
  });
}
