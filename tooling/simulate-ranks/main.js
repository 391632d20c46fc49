/** `node tooling/simulate-ranks/main.js [options]`: see packages/train/bench/simulate-ranks.ts. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const bundled = at('packages/tensor/node_modules/.cache/bench/simulate-ranks.mjs');
const args = [
  at('tooling/build/run-bundled.js'),
  at('packages/train/bench/simulate-ranks.ts'),
  bundled,
  ...process.argv.slice(2),
];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
