/**
 * `npm run moda -- ...`: the command line of this checkout. Builds what changed since the last time, prints nothing of it
 * unless it fails, and runs the command in the folder that npm was called from. Arguments and the exit code pass through.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkNode, install, ROOT } from './pnpm.js';

checkNode();
const turbo = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? 'turbo.cmd' : 'turbo');
if (!existsSync(turbo)) install();
const build = spawnSync(turbo, ['run', 'build', '--filter=@modajs/trainer...', '--output-logs=errors-only'], {
  cwd: ROOT,
  encoding: 'utf8',
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  shell: process.platform === 'win32',
});
if (build.status !== 0) {
  console.error(`${build.stdout ?? ''}${build.stderr ?? ''}${build.error?.message ?? ''}`);
  process.exit(1);
}
const child = spawn(process.execPath, [join(ROOT, 'apps/trainer/dist/main.js'), ...process.argv.slice(2)], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
  env: { ...process.env, MODA_COMMAND: 'npm run moda --' },
  stdio: 'inherit',
});
// The command decides how it ends: Ctrl-C reaches it too, other signals are passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2']) {
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
}
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
