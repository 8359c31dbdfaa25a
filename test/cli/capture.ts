// Runs a command line in this process and keeps what it prints.
import { vi } from 'vitest';
import { run } from '../../cli/program.ts';

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Exit code and output of `strikebase ...argv`. */
export async function runCli(...argv: readonly string[]): Promise<Captured> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const before = process.exitCode;
  try {
    const code = await run(argv);
    return { code, stdout, stderr };
  } finally {
    // The test runner's own exit code is not the command's.
    process.exitCode = before;
    out.mockRestore();
    error.mockRestore();
  }
}
