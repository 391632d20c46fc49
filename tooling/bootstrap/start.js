/**
 * `npm start`: install, build, train a small MoDA model on a book, evaluate it, write samples and a report.
 * Arguments after `--` go to `moda train`: `npm start -- --device webgpu --set train.steps=50`.
 */
import { join } from 'node:path';
import { checkNode, install, pnpm, ROOT, run } from './pnpm.js';

checkNode();
install();
pnpm(['exec', 'turbo', 'run', 'build', '--filter=@modajs/trainer...', '--output-logs=errors-only']);
const moda = join(ROOT, 'apps/trainer/dist/main.js');
// The end of the run says what to type next.
run(process.execPath, [moda, 'train', '--preset', 'tiny', ...process.argv.slice(2)], {
  MODA_COMMAND: 'npm run moda --',
});
