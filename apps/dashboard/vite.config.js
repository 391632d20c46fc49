import { evidenceVite } from '@modajs/build/evidence';
import { thinWorkerEntries } from '@modajs/build/thin-worker-entries';
import { wgslVite } from '@modajs/build/wgsl';
import { defineConfig } from 'vite';

/** Isolation gives WebAssembly its threads; `moda dashboard` sends the same headers. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  plugins: [wgslVite(), evidenceVite()],
  resolve: { conditions: ['@modajs/source', 'module', 'browser', 'import', 'default'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { headers: isolation },
  preview: { headers: isolation },
  worker: { format: 'es', plugins: () => [wgslVite(), thinWorkerEntries()] },
  build: { outDir: 'dist/site', target: 'es2023' },
});
