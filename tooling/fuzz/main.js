/** Bundles the fuzzer and its targets, whose readers are TypeScript sources of this workspace, and starts it. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';

// A folder of its own: cases of another run load modules from theirs until they end.
const bundles = await bundle(undefined, `bundles-${process.pid}`);
const { status } = spawnSync(process.execPath, [join(bundles, 'command.mjs'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    FUZZ_BUNDLES: bundles,
    FUZZ_FAULTS: fileURLToPath(new URL('./node_modules/.cache/faults', import.meta.url)),
  },
});
rmSync(bundles, { recursive: true, force: true });
process.exit(status ?? 1);
