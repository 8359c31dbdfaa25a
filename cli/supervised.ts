// The `strikebase` command as a child of `strikebase start`: it ends cleanly when its supervisor is gone, however that ended.
import { run } from './program.ts';

// The channel closes with the supervisor, also by kill -9: two trees must never trade one account.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
process.exitCode = await run(process.argv.slice(2));
