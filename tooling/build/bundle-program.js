import { build } from 'esbuild';
import { wgslEsbuild } from './wgsl-plugin.js';

/**
 * Bundles a program of this workspace for Node from its TypeScript sources, shaders put together, for the target that the packages are
 * published for. What is native stays outside: the outfile lies where Node finds webgpu and koffi.
 *
 * @param {string} entry
 * @param {string} outfile
 */
export function bundleProgram(entry, outfile) {
  return build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@modajs/source'],
    external: ['koffi', 'webgpu'],
    plugins: [wgslEsbuild()],
    logLevel: 'error',
  });
}
