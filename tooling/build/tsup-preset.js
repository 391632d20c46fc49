import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';
import { wgslEsbuild } from './wgsl-plugin.js';

/**
 * One tsup configuration for every package: ES modules only, ES2022 (`using` is lowered), no declarations
 * (tsup's own declaration output breaks on TypeScript 6; `tsc -p tsconfig.build.json` writes them).
 *
 * @param {import('tsup').Options} options entry points and what differs from the preset
 */
export function library(options = {}) {
  return defineConfig({
    entry: ['src/index.ts'],
    format: ['esm'],
    target: 'es2022',
    platform: 'neutral',
    dts: false,
    clean: false,
    sourcemap: true,
    splitting: true,
    // A chunk of ours is imported for what it exports: the import of a chunk of which nothing is used would make bundlers warn.
    treeshake: { moduleSideEffects: (id, isExternal) => !isExternal || !/^[./]/.test(id) },
    esbuildPlugins: [wgslEsbuild()],
    define: { __VERSION__: JSON.stringify(JSON.parse(readFileSync('package.json', 'utf8')).version) },
    ...options,
  });
}
