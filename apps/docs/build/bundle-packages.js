import { build } from 'esbuild';

/** What code in a page may import: packages as they are published, without what needs Node. */
export const IN_PAGE = [
  'tensor',
  'tensor/extend',
  'tensor/testing',
  'moda',
  'models',
  'models/nn',
  'tokenizer',
  'tokenizer/chat',
  'train',
];

/** Bundles the packages as modules that share their chunks, so that all of them have one tensor core. */
export async function bundlePackages(outdir) {
  await build({
    entryPoints: IN_PAGE.map((name) => ({ in: `@modajs/${name}`, out: name.replace('/', '-') })),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    // Loaded when they are asked for: the GPU in Node, files of a hub.
    external: ['webgpu', 'node:*', '@huggingface/hub'],
    logLevel: 'error',
  });
}
