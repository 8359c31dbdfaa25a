// doctor on databases: a current one, one without our schema, a user who may not log in, one who may do too little.
import { describe, expect, it } from 'vitest';
import { checkDatabase } from '../../cli/doctor_services.ts';
import { parseConfig } from '../../core/config.ts';
import { useDatabase } from '../harness.ts';

const config = parseConfig({});

describe('a database', () => {
  const current = useDatabase();
  const empty = useDatabase({ isEmpty: true });

  it('of this version is well', async () => {
    const findings = await checkDatabase(config, current.url());
    expect(findings.map(({ state, name }) => `${state} ${name}`)).toEqual([
      'ok database',
      'ok schema',
      'ok roles',
      'ok clock',
    ]);
  });

  it('that was not migrated is told what to run', async () => {
    const schema = (await checkDatabase(config, empty.url())).find(({ name }) => name === 'schema');
    expect(schema).toMatchObject({ state: 'FAIL', hint: expect.stringMatching(/strikebase migrate/) });
  });

  it('that does not exist, or refuses the password, is told apart', async () => {
    const none = new URL(current.url());
    none.pathname = '/no_such_database';
    expect(await checkDatabase(config, none.href)).toMatchObject([
      { state: 'FAIL', hint: expect.stringMatching(/createdb/) },
    ]);
    const wrong = new URL(current.url());
    wrong.password = 'wrong-password-77';
    const findings = await checkDatabase(config, wrong.href);
    expect(findings).toMatchObject([{ state: 'FAIL', detail: expect.stringMatching(/refuses this user/) }]);
    expect(JSON.stringify(findings)).not.toContain('wrong-password-77');
  });

  it('whose user may not take the roles is told who may grant them', async () => {
    const name = `poor_${process.pid}`;
    const owner = current.pool();
    await owner.query(`create role ${name} login password 'poor'; grant usage on schema engine to ${name};
      grant select on engine.migrations, engine.routine_sets to ${name}`);
    const url = new URL(current.url());
    [url.username, url.password] = [name, 'poor'];
    const roles = (await checkDatabase(config, url.href)).find((finding) => finding.name === 'roles');
    await owner.query(`drop owned by ${name}; drop role ${name}`);
    expect(roles).toMatchObject({ state: 'FAIL', hint: expect.stringMatching(/grant .*job_runner/) });
  });
});
