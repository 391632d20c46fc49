import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLinksToHeadings } from './api-links.js';
import { benchmarkIndex, benchmarkPage } from './benchmark-page.js';
import { pageMap } from './page-map.js';
import { ROOT, repositoryText } from './repository.js';
import { outsideCode, rewriteLinks } from './rewrite-links.js';
import { settingsPage } from './settings-page.js';

/** Tour, guides and packages in the order in which they are read; what is not named follows by name. */
const ORDER = [
  'ten-minutes',
  'code-tour',
  'glossary',
  'results',
  'train-on-your-text',
  'study-an-idea',
  'one-package',
  'in-a-page',
  'gpu-in-node',
  'ranks',
  'fine-tune',
  'tensor',
  'moda',
  'models',
  'tokenizer',
  'train',
  'eval',
  'kernels',
  'cpu',
  'bench',
  'errors',
  'trainer',
  'dashboard',
];

const rank = ({ page }) => {
  const index = ORDER.indexOf(page.replace(/^.*\//, '').replace(/\.md$/, ''));
  return index < 0 ? ORDER.length : index;
};
const inOrder = (a, b) => rank(a) - rank(b) || a.page.localeCompare(b.page);

/** First heading of a page, as plain text. */
export function titleOf(text) {
  return (/^# (.+)$/m.exec(text)?.[1] ?? 'Untitled').replace(/`/g, '').replace(/\\(.)/g, '$1');
}

function pageOfText(file, page, links, publish) {
  // Comments are marks for the programs that write the tables inside a text.
  const text = outsideCode(repositoryText(file), (part) => part.replace(/<!--.*?-->\n?/gs, ''));
  return rewriteLinks(text, { file, page, links, publish });
}

/** A program of `examples/`, its first comment as its text; in the page it can be run unless it needs Node. */
function pageOfExample(file) {
  const code = repositoryText(file);
  const [, comment] = /^\/\/ (.+)\n/.exec(code);
  const runs = /from 'node:|process\.env/.test(code) ? 'js' : 'js run';
  const name = file.replace(/^examples\/|\.js$/g, '');
  return `# ${name.replace(/-/g, ' ')}\n\n${comment}\n\n\`\`\`${runs}\n${code}\`\`\`\n`;
}

const list = (title, text, pages) =>
  [
    `# ${title}`,
    '',
    text,
    '',
    ...pages.map(({ page, title: name }) => `- [${name}](./${page.split('/').at(-1)})`),
    '',
  ].join('\n');

/** The pages that TypeDoc wrote. */
export function apiPages(folder) {
  const files = readdirSync(join(folder, 'api'), { recursive: true }).map((file) => file.replaceAll('\\', '/'));
  const pages = files
    .filter((file) => file.endsWith('.md'))
    .map((file) => {
      const text = readFileSync(join(folder, 'api', file), 'utf8');
      return { page: `api/${file}`, text, title: titleOf(text) };
    });
  return withLinksToHeadings(pages);
}

/**
 * Every page of the site but the API's, made of the files of the repository, and the files that they link to.
 *
 * @returns {{ pages: { page: string, title: string, text: string }[], published: Set<string> }}
 */
export function sitePages() {
  const { sources, links } = pageMap();
  const published = new Set();
  const results = [];
  const pages = [...sources].map(([file, page]) => {
    if (file.startsWith('benchmarks/')) {
      const name = file.replace(/^benchmarks\/|\.json$/g, '');
      const result = JSON.parse(repositoryText(file));
      results.push({ name, result });
      return { page, text: benchmarkPage(name, result) };
    }
    if (file.startsWith('examples/')) return { page, text: pageOfExample(file) };
    return { page, text: pageOfText(file, page, links, (other) => published.add(other)) };
  });
  const titled = pages.map(({ page, text }) => ({ page, text, title: titleOf(text) })).sort(inOrder);
  const under = (folder) => titled.filter(({ page }) => page.startsWith(`${folder}/`));
  const indexes = [
    { page: 'benchmarks/index.md', text: benchmarkIndex(results) },
    {
      page: 'examples/index.md',
      text: list(
        'Examples',
        'Short programs; `pnpm --filter @modajs/examples run examples` runs all of them.',
        under('examples'),
      ),
    },
    {
      page: 'decisions/index.md',
      text: list('Decisions', 'Notes on what a newcomer would ask "why" about.', under('decisions')),
    },
    { page: 'settings.md', text: settingsPage() },
    { page: 'index.md', text: repositoryText('apps/docs/home.md') },
  ];
  return { pages: [...titled, ...indexes.map((page) => ({ ...page, title: titleOf(page.text) }))], published };
}

const entries = (pages) =>
  pages.map(({ page, title }) => ({ text: title, link: `/${page.replace(/(index)?\.md$/, '')}` }));

/** The site's sidebar. Long sections are folded; VitePress makes a button within a button of those that have no link. */
export function sidebarOf(pages) {
  const at = (pattern) => entries(pages.filter(({ page }) => pattern.test(page)));
  return [
    {
      text: 'Start',
      items: [
        ...at(/^(ten-minutes|code-tour|glossary|results)\.md$/),
        ...at(/^overview\.md$/),
        ...at(/^features\.md$/),
      ],
    },
    { text: 'Guides', items: at(/^guides\//) },
    { text: 'Packages', items: at(/^packages\/[^/]+$/) },
    { text: 'Settings', link: '/settings' },
    { text: 'Examples', link: '/examples/', collapsed: true, items: at(/^examples\/\d/) },
    { text: 'API reference', link: '/api/', collapsed: true, items: at(/^api\/(?!index)(?!.*\/namespaces\/)/) },
    { text: 'Evidence', link: '/evidence' },
    { text: 'Benchmarks', link: '/benchmarks/', collapsed: true, items: at(/^benchmarks\/(?!index)/) },
    { text: 'Decisions', link: '/decisions/', collapsed: true, items: at(/^decisions\/(?!index)/) },
    { text: 'Tasks of evaluation', link: '/packages/eval', collapsed: true, items: at(/^packages\/tasks\//) },
    { text: 'Log', link: '/log/', collapsed: true, items: at(/^log\/(?!index)/) },
    { text: 'Notes', items: at(/^(releasing|planted-mistakes|simulated-ranks)\.md$/) },
  ].filter((section) => section.link || section.items.length > 0);
}

/** Writes pages, published files, sidebar and `llms.txt` into the folder that VitePress reads. */
export function writePages(folder, { pages, published }) {
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  for (const { page, text } of pages) write(page, text);
  for (const file of published) cpSync(join(ROOT, file), join(folder, 'public/files', file));
  write('sidebar.json', JSON.stringify(sidebarOf(pages)));
  // The texts as Markdown beside the pages, for readers that are programs (llmstxt.org).
  const texts = pages.filter(({ page }) => page !== 'index.md');
  for (const { page, text } of texts) write(`public/${page}`, text);
  const lines = texts.map(({ page, title }) => `- [${title}](${page})`);
  write(
    'public/llms.txt',
    [
      '# MoDA for WebGPU',
      '',
      '> Mixture-of-Depths Attention in TypeScript, on WebGPU and WebAssembly.',
      '',
      '## Pages',
      '',
      ...lines,
      '',
    ].join('\n'),
  );
  const full = texts.filter(({ page }) => !/^(benchmarks|log|decisions)\//.test(page));
  write('public/llms-full.txt', full.map(({ page, text }) => `<!-- ${page} -->\n\n${text}`).join('\n\n'));
}
