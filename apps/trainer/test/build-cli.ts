import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wgslEsbuild } from '@modajs/build/wgsl';
import { build } from 'esbuild';
import { CLI } from './run-cli.ts';

/** Bundles the command line from the workspace's sources, so that a test never runs a stale build. */
export default async function buildCli(): Promise<void> {
  await build({
    entryPoints: ['../src/main.ts', './program.ts'].map((path) => fileURLToPath(new URL(path, import.meta.url))),
    outdir: dirname(CLI),
    entryNames: '[name]',
    bundle: true,
    // A command loads what it needs: hundreds of tests start the program, and reading it takes longer than what they do.
    splitting: true,
    minifyWhitespace: true,
    minifySyntax: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@modajs/source'],
    external: ['webgpu', 'koffi', '@stdlib/*', 'commander'],
    plugins: [wgslEsbuild()],
    // CommonJS dependencies inside the bundle call `require` for Node's own modules.
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
    logLevel: 'error',
  });
}
