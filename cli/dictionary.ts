// strikebase dictionary: every table, view and column with its meaning.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { dataDictionary } from '../db/data_dictionary.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples } from './options.ts';
import { note, print } from './terminal.ts';

/** The `dictionary` subcommand. */
export function dictionaryCommand(): Command {
  const command = new Command('dictionary')
    .description(
      'Prints the data dictionary as Markdown: tables, views and columns with their types and meaning, from the comments of ' +
        'the database. docs/data-dictionary.md is its output.',
    )
    .option('--write <file>', 'write it to a file instead')
    .action(printDictionary);
  return withExamples(withDb(command), 'dictionary --write docs/data-dictionary.md');
}

async function printDictionary(options: { readonly db?: string; readonly write?: string }): Promise<void> {
  await withDatabase(options, async (database) => {
    const text = await dataDictionary(await database.connectReader('owner'));
    if (options.write === undefined) print(text);
    else {
      await writeFile(options.write, text);
      note(`wrote ${options.write}`);
    }
  });
}
