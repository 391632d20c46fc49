import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wgslEsbuild } from '@modajs/build/wgsl';
import { build } from 'esbuild';

/**
 * Bundles `src/targets/*.ts`, the command and the case process, with shared chunks so that error classes are the same.
 *
 * @param {string} [targets] folder of the targets
 * @returns {Promise<string>} the folder with `command.mjs`, `case-process.mjs` and `targets/<name>.mjs`
 */
export async function bundle(targets = fileURLToPath(new URL('./src/targets', import.meta.url)), name = 'bundles') {
  const outdir = fileURLToPath(new URL(`./node_modules/.cache/${name}`, import.meta.url));
  rmSync(outdir, { recursive: true, force: true });
  const source = (file) => fileURLToPath(new URL(`./src/${file}`, import.meta.url));
  const entries = readdirSync(targets)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ in: `${targets}/${file}`, out: `targets/${file.slice(0, -3)}` }));
  await build({
    entryPoints: [
      { in: source('command.ts'), out: 'command' },
      { in: source('case-process.ts'), out: 'case-process' },
      ...entries,
    ],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@modajs/source'],
    plugins: [wgslEsbuild()],
    external: ['webgpu', 'koffi', 'parquet-wasm'],
    // Bundled CommonJS packages call `require`.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
    sourcemap: 'inline',
  });
  return outdir;
}
