// Bundles the command line from the workspace's sources into one file; `webgpu` and `koffi` stay external.
// usage: node tooling/study-kit/bundle-moda.js OUTFILE.js
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const trainer = new URL('../../apps/trainer/', import.meta.url);
const require = createRequire(new URL('package.json', trainer));
const { build } = await import(require.resolve('esbuild'));
const { wgslEsbuild } = await import(require.resolve('@modajs/build/wgsl'));
await build({
  entryPoints: [fileURLToPath(new URL('src/main.ts', trainer))],
  outfile: process.argv[2],
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  conditions: ['@modajs/source'],
  external: ['webgpu', 'koffi', 'node-llama-cpp'],
  plugins: [wgslEsbuild()],
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
  logLevel: 'error',
});
