// The `strikebase` command: what bin/strikebase.js runs.
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2));
