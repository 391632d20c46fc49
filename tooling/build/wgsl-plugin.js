/**
 * Makes `import source from './kernel.wgsl'` yield the shader's whole text, its imports put in (assemble-wgsl.js), in esbuild (tsup)
 * and in Vite (vitest, apps). The published packages hold the text as a string; nobody's bundler has to know about WGSL.
 */
import { assembleWgsl, withoutLayout } from './assemble-wgsl.js';

/** esbuild plugin, for what is published: shaders without their layout. */
export function wgslEsbuild() {
  return {
    name: 'wgsl',
    setup(build) {
      build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => {
        const { text, files } = assembleWgsl(path);
        return { contents: withoutLayout(text), loader: 'text', watchFiles: files };
      });
    },
  };
}

/** Vite plugin. */
export function wgslVite() {
  return {
    name: 'wgsl',
    enforce: 'pre',
    load(id) {
      if (!id.endsWith('.wgsl')) return;
      const { text, files } = assembleWgsl(id);
      for (const file of files) this.addWatchFile(file);
      return { code: `export default ${JSON.stringify(text)};`, map: null };
    },
  };
}
