import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import { BASE } from '../build/relative-base.js';

const sidebar = JSON.parse(readFileSync(new URL('../.site/sidebar.json', import.meta.url), 'utf8'));

export default defineConfig({
  title: 'MoDA for WebGPU',
  description: 'Mixture-of-Depths Attention in TypeScript, on WebGPU and WebAssembly',
  lang: 'en',
  base: BASE,
  srcDir: '.site',
  // The same texts, published as they are.
  srcExclude: ['public/**'],
  outDir: 'dist',
  markdown: {
    // The texts are the repository's: what looks like a tag in them is text.
    html: false,
    // Comments of the default themes are below the contrast of 4.5.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    linkify: false,
    config(md) {
      // Two braces in a text or in code are no expression of Vue's.
      for (const kind of ['text', 'code_inline']) {
        const rule = md.renderer.rules[kind];
        md.renderer.rules[kind] = (...token) => rule(...token).replaceAll('{{', '&#123;&#123;');
      }
      const fence = md.renderer.rules.fence;
      // A block marked `js run` can be changed and run in the page.
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index];
        if (info.trim() !== 'js run') return fence(tokens, index, ...rest);
        return `<RunnableCode code="${encodeURIComponent(content)}" />`;
      };
    },
  },
  vite: {
    publicDir: 'public',
    experimental: { renderBuiltUrl: () => ({ relative: true }) },
    build: { chunkSizeWarningLimit: 4000 },
  },
  themeConfig: {
    sidebar,
    outline: [2, 3],
    nav: [
      { text: 'Tour', link: '/ten-minutes' },
      { text: 'Packages', link: '/packages/tensor' },
      { text: 'Evidence', link: '/evidence' },
      { text: 'Benchmarks', link: '/benchmarks/' },
    ],
    search: {
      provider: 'local',
      // Tables of figures and dated notes would drown what people look for.
      options: {
        _render: (text, env, md) => (/^(benchmarks|log)\//.test(env.relativePath) ? '' : md.render(text, env)),
      },
    },
  },
});
