/**
 * Bundles a program of this workspace from its TypeScript sources, shaders put together, and runs it:
 *   node run-bundled.js <entry.ts> <outfile.mjs> [arguments]
 * The outfile lies where Node finds the packages that stay outside the bundle (webgpu, koffi).
 */
import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { wgslEsbuild } from './wgsl-plugin.js';

const [entry, outfile, ...more] = process.argv.slice(2);
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@modajs/source'],
  external: ['webgpu', 'koffi'],
  plugins: [wgslEsbuild()],
  logLevel: 'warning',
});
process.exitCode = spawnSync(process.execPath, [outfile, ...more], { stdio: 'inherit' }).status ?? 1;
