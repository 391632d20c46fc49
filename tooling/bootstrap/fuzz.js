/** `npm run fuzz`: damaged files for every reader. See tooling/fuzz/README.md. */
import { join } from 'node:path';
import { checkNode, install, pnpm, ROOT, run } from './pnpm.js';

checkNode();
install();
pnpm(['exec', 'turbo', 'run', 'build', '--filter=@modajs/cpu', '--output-logs=errors-only']);
run(process.execPath, [join(ROOT, 'tooling/fuzz/main.js'), ...process.argv.slice(2)]);
