// strikebase schema: the schema of the database as text, the same on both engines.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { dumpSchema } from '../db/schema_dump.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples } from './options.ts';
import { note, print } from './terminal.ts';

/** The `schema` subcommand. */
export function schemaCommand(): Command {
  const command = new Command('schema')
    .description(
      'Prints tables, views, functions, comments and grants, in the order of their names. db/schema.sql is its output.',
    )
    .option('--write <file>', 'write it to a file instead')
    .action(printSchema);
  return withExamples(withDb(command), 'schema --write db/schema.sql');
}

async function printSchema(options: { readonly db?: string; readonly write?: string }): Promise<void> {
  await withDatabase(options, async (database) => {
    const text = await dumpSchema(await database.connectReader('owner'));
    if (options.write === undefined) print(text);
    else {
      await writeFile(options.write, text);
      note(`wrote ${options.write}`);
    }
  });
}
