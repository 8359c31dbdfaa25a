// docker-compose.yml by its text: what it publishes, pins, hides and starts. Where docker compose is installed, by its own reading too.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { runCli } from '../cli/capture.ts';

const text = readFileSync(projectPath('docker-compose.yml'), 'utf8');
const dockerfile = readFileSync(projectPath('Dockerfile'), 'utf8');
const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));

/** The values of a key written on one line, wherever it stands. */
function valuesOf(key: string): string[] {
  return lines.flatMap((line) => new RegExp(`(?:^|[{,\\s])${key}: (.+)$`).exec(line)?.[1] ?? []);
}

/** The words of a flow sequence such as `[CMD, strikebase, health]`. */
function wordsOf(sequence: string): string[] {
  const inner = /\[(.*?)\]/.exec(sequence)?.[1] ?? '';
  return inner.split(',').map((word) => word.trim().replace(/^'(.*)'$/, '$1'));
}

describe('what is published', () => {
  it('is on this machine alone', () => {
    const ports = valuesOf('ports').flatMap(wordsOf);
    expect(ports.length).toBeGreaterThan(1);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(text).not.toMatch(/network_mode: ['"]?host/);
  });

  it('lets strangers see simulated data only', () => {
    const services = text.slice(text.indexOf('\nservices:'));
    expect(text.match(/ANONYMOUS_ENABLED: 'true'/g)).toHaveLength(1);
    const [, simulated = ''] = services.split('\n  sim-grafana:');
    expect(simulated.split(/\n {2}\S/)[0]).toContain("ANONYMOUS_ENABLED: 'true'");
  });
});

it('pins every image to a version', () => {
  const bases = [...dockerfile.matchAll(/^ARG NODE_IMAGE=(.+)$|^FROM (\S+)/gm)].map((m) => m[1] ?? m[2]);
  const images = [...valuesOf('image'), ...bases.filter((base) => !base?.startsWith('$'))];
  expect(images.length).toBeGreaterThan(3);
  for (const image of images) expect(image).toMatch(/:\d+\.\d+\.\d+(-[a-z0-9-]+)?$/);
  expect(valuesOf('image')).toContain('timescale/timescaledb:2.28.3-pg15');
});

describe('secrets', () => {
  const SECRET = /(PASSWORD|SECRET|TOKEN|_KEY)$/;

  it('come from outside, without a default that would open anything', () => {
    const given = lines.flatMap((line) => {
      const [, key = '', value = ''] = /^\s+([A-Z_]+): (.+)$/.exec(line) ?? [];
      return SECRET.test(key) ? [{ key, value }] : [];
    });
    expect(given.length).toBeGreaterThan(10);
    for (const { key, value } of given) {
      // The simulated market's key is part of its address.
      if (value === 'simulated') continue;
      expect(`${key} ${value}`).toMatch(/\$\{[A-Z_]+(:\?[^}]+|:-(unset)?)\}$/);
    }
  });

  it('stop everything with words where a password is missing', () => {
    for (const name of ['POSTGRES_PASSWORD', 'GRAFANA_ADMIN_PASSWORD', 'GRAFANA_DB_PASSWORD']) {
      expect(text).toContain(`\${${name}:?set ${name} in .env`);
      expect(text).not.toContain(`\${${name}:-`);
    }
  });
});

it('uses no variable that .env.example does not explain', () => {
  const example = readFileSync(projectPath('.env.example'), 'utf8');
  const used = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]));
  expect(used.size).toBeGreaterThan(20);
  for (const name of used) expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'));
});

describe('commands', () => {
  const commands = [...valuesOf('command'), ...valuesOf('test')]
    .map(wordsOf)
    .map((words) => (words[0] === 'CMD' && words[1] === 'strikebase' ? words.slice(2) : words))
    .filter((words) => !['postgres', 'infinity', 'CMD', 'CMD-SHELL'].includes(words[0] ?? ''));

  const different = [...new Map(commands.map((words) => [words.join(' '), words])).entries()];

  it.each(different.map(([name, words]) => ({ name, words })))(
    '$name is in the command line',
    async ({ words }) => {
      const options = words.filter((word) => word.startsWith('--'));
      const names = words.slice(0, words.findIndex((word) => word.startsWith('--')) >>> 0);
      const { code, stdout } = await runCli(...names.slice(0, 2), '--help');
      expect(code).toBe(0);
      if (names[0] === 'health') expect(stdout.replaceAll(/\s/g, '')).toContain(`"${names[1]}"`);
      for (const option of options) expect(stdout).toContain(option);
    },
  );

  it('are all there', () => {
    expect(commands.length).toBeGreaterThan(12);
  });
});

it('hardens every service', () => {
  const [, ...services] =
    text
      .slice(text.indexOf('\nservices:'))
      .split('\nvolumes:')[0]
      ?.split(/\n {2}(?=[a-z])/) ?? [];
  expect(services.length).toBeGreaterThan(15);
  for (const service of services) {
    const inherits = /<<: \*(app|grafana)\n/.test(service);
    const own = service.includes('cap_drop: [ALL]') && service.includes('no-new-privileges:true');
    expect(inherits || own, service.split('\n')[0]).toBe(true);
    expect(service).not.toMatch(/privileged: true|docker\.sock/);
  }
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK /m);
});

const COMPOSE = [['docker', 'compose'], ['docker-compose']].find(
  ([program = '', ...args]) => spawnSync(program, [...args, 'version'], { stdio: 'ignore' }).status === 0,
);
if (COMPOSE === undefined)
  process.stderr.write('docker compose is not installed: its own reading of the file is not tested\n');

describe.skipIf(COMPOSE === undefined)('docker compose', () => {
  function config(environment: string, ...args: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'strikebase-compose-'));
    try {
      copyFileSync(projectPath('docker-compose.yml'), join(folder, 'docker-compose.yml'));
      writeFileSync(join(folder, '.env'), environment);
      const [program = '', ...first] = COMPOSE ?? [];
      const env = { PATH: process.env.PATH ?? '', HOME: folder };
      return spawnSync(program, [...first, ...args], { cwd: folder, env, encoding: 'utf8' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const PASSWORDS = 'POSTGRES_PASSWORD=a\nGRAFANA_ADMIN_PASSWORD=b\nGRAFANA_DB_PASSWORD=c\n';

  it.each(['sim', 'live'])('reads profile %s', (profile) => {
    const { status, stderr } = config(PASSWORDS, '--profile', profile, 'config', '--quiet');
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });

  it('says which password is missing', () => {
    const { status, stderr } = config('', '--profile', 'sim', 'config', '--quiet');
    expect(status).not.toBe(0);
    expect(stderr).toContain('docker/make-env.sh');
  });
});
