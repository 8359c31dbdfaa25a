// strikebase doctor: what is wrong with a set-up, and what to do about it.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type Config, loadConfig } from '../core/config.ts';
import {
  checkBinaries,
  checkDisk,
  checkEnvFile,
  checkNode,
  checkPort,
  type Finding,
  failed,
  ok,
} from './doctor_machine.ts';
import {
  checkBroker,
  checkDatabase,
  checkEasternTime,
  checkMassive,
  checkMessages,
} from './doctor_services.ts';
import { interrupt } from './interrupt.ts';
import { withDb, withExamples } from './options.ts';
import { print, showProgress, terminalWidth } from './terminal.ts';

interface DoctorOptions {
  readonly db?: string;
  readonly json: boolean;
}

const STATE_WIDTH = 6;
const NAME_WIDTH = 15;

/** The `doctor` subcommand. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description(
      'Looks at everything that a command may stumble over: Node, settings, secrets, disk, ports, the database and its schema, ' +
        'clocks, the vendor’s key, the broker’s login. Says what to do; changes nothing; exits 1 if something is broken.',
    )
    .option('--json', 'print one JSON array', false);
  return withExamples(withDb(command), 'doctor', 'doctor --db postgres://owner@db.example/strikebase').action(
    runDoctor,
  );
}

type Step = readonly [what: string, check: () => Promise<readonly Finding[]> | readonly Finding[]];

async function runDoctor(options: DoctorOptions): Promise<void> {
  const { config, finding } = readConfig();
  const steps = stepsFor(config, finding, options);
  const progress = showProgress('doctor', steps.length);
  const findings: Finding[] = [];
  for (const [index, [what, check]] of steps.entries()) {
    if (interrupt().aborted) break;
    progress.update(index, what);
    const found = await check();
    progress.end();
    findings.push(...found);
    if (!options.json) for (const each of found) printFinding(each);
  }
  if (options.json) print(`${JSON.stringify(findings, null, 2)}\n`);
  else print(`\n${verdict(findings)}\n`);
  if (findings.some(({ state }) => state === 'FAIL')) process.exitCode = 1;
}

function readConfig(): { readonly config: Config | null; readonly finding: Finding } {
  try {
    return { config: loadConfig(), finding: ok('settings', 'every variable can be used') };
  } catch (error) {
    return { config: null, finding: failed('settings', error, 'Correct it in the environment or in .env.') };
  }
}

function stepsFor(config: Config | null, settings: Finding, { db }: DoctorOptions): readonly Step[] {
  const always: Step[] = [
    ['Node', () => [checkNode(process.version), checkEasternTime()]],
    [
      'settings',
      async () => [
        settings,
        ...(await checkEnvFile(resolve('.env'), { isLive: config?.isLiveTrading === true })),
      ],
    ],
  ];
  // Without settings nothing else would look at the right place.
  if (config === null) return always;
  const isEmbedded = db === undefined && config.databaseUrl === null;
  const embedded: Step[] = [
    ['the built-in database', async () => [await checkBinaries()]],
    ['the port', async () => [await checkPort(config)]],
  ];
  return [
    ...always,
    ['the disk', async () => [await checkDisk(config.strikebaseDir)]],
    ...(isEmbedded ? embedded : []),
    ['the database', () => checkDatabase(config, db)],
    ['Massive', () => checkMassive(config, interrupt())],
    ['the broker', () => checkBroker(config)],
    ['messages', () => [checkMessages(config)]],
  ];
}

function printFinding({ name, state, detail, hint }: Finding): void {
  const indent = ' '.repeat(STATE_WIDTH + NAME_WIDTH);
  const width = Math.max(terminalWidth() - indent.length, 40);
  const lines = [...wrap(detail, width), ...(hint === null ? [] : wrap(`→ ${hint}`, width))];
  print(`${state.padEnd(STATE_WIDTH)}${name.padEnd(NAME_WIDTH)}${lines.join(`\n${indent}`)}\n`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function verdict(findings: readonly Finding[]): string {
  const count = (state: Finding['state']): number => findings.filter((each) => each.state === state).length;
  const [broken, warned] = [count('FAIL'), count('warn')];
  if (broken > 0) return `${broken} broken, ${warned} to look at: the lines with an arrow say what to do.`;
  return warned > 0 ? `Nothing is broken; ${warned} to look at.` : 'Everything is well.';
}
