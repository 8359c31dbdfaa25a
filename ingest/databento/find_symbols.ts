// Where the symbols of a file's instrument ids are told.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addMs, dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { toOsi } from '../../core/osi_symbol.ts';
import { addFinding } from '../files/import_file.ts';
import { openSource, readBytes, type SourceFile } from '../files/source_file.ts';
import { dbnBlocks } from './dbn.ts';
import { readRecord } from './records.ts';
import { addSymbology, createSymbolTable, type SymbolTable } from './symbols.ts';
import type { Reader } from './taking.ts';

const DAY_MS = 86_400_000;

/** Ids are told by the head of the file, by symbology.json beside it, or by the definitions beside it. */
export async function symbolsFor(reader: Reader, own: (table: SymbolTable) => void): Promise<SymbolTable> {
  const table = createSymbolTable();
  own(table);
  const { path, name } = reader.source;
  if (reader.schema === 'definition') return table;
  if (addSymbology(table, path)) {
    addFinding(reader.findings, { severity: 'info', text: 'symbols from symbology.json beside it' });
  }
  // opra-pillar-20250220.cbbo-1m.dbn.zst: the definitions of the same days.
  const day = /^(.*?\d{8}(?:-\d{8})?)\./.exec(name)?.[1];
  const beside = readdirSync(dirname(path)).filter(
    (each) => day !== undefined && each.startsWith(`${day}.`) && each.includes('.definition.dbn'),
  );
  for (const each of beside) {
    await addDefinitions(table, await openSource(join(dirname(path), each)));
    addFinding(reader.findings, { severity: 'info', text: `symbols from ${each}` });
  }
  return table;
}

async function addDefinitions(table: SymbolTable, source: SourceFile): Promise<void> {
  const dayOf = (at: EasternUs): number => Number(dateOf(at).replaceAll('-', ''));
  for await (const { records } of dbnBlocks(readBytes(source), source.name)) {
    for (let at = 0; at < records.length; at += (records[at] ?? 4) * 4) {
      const record = readRecord(records, at);
      const symbol = record?.kind === 'definition' ? toOsi(record.symbol ?? '') : null;
      if (record === null || symbol === null) continue;
      const days = { from: dayOf(record.at), to: dayOf(addMs(record.at, DAY_MS)) };
      table.add(record.instrumentId, symbol, days);
    }
  }
}
