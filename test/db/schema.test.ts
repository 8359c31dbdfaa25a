// db/schema.sql is what migrations and routines make of an empty database, on every engine.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { connect } from '../../db/pool.ts';
import { dumpSchema } from '../../db/schema_dump.ts';
import { useDatabase } from '../harness.ts';

const db = useDatabase();

it('equals db/schema.sql (else: npm run schema)', async () => {
  const client = await connect({ url: db.url(), role: 'owner', name: 'test' });
  const dumped = await dumpSchema(client);
  await client.end();
  expect(dumped).toBe(await readFile(projectPath('db', 'schema.sql'), 'utf8'));
});
