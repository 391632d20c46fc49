/**
 * Fails when a tracked text tells the reader to run a stranger's npm package: the command is `moda`, its package
 * `@modajs/trainer`, and npm has another package of the command's name.
 */
import { execFileSync } from 'node:child_process';
import { ROOT } from './pnpm.js';

const command = 'moda';
const wrong = `(npx|npm exec|pnpm dlx|yarn dlx|bunx) ([-a-z]+ )*${command}([^-a-z@/]|$)`;
let found = '';
try {
  found = execFileSync('git', ['grep', '-nIE', wrong], { cwd: ROOT, encoding: 'utf8' });
} catch (error) {
  // Status 1: nothing was found.
  if (error.status !== 1) throw error;
}
if (found !== '') {
  console.error(
    `texts: the command must be named npx @modajs/trainer, or npm run ${command} -- in a checkout, got\n${found}`,
  );
  process.exit(1);
}
console.log(`texts: none runs another's package of the name ${command}`);
