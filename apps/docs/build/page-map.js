import { repositoryFiles } from './repository.js';

/** Where a text of the repository stands in the site: `[source, page]`; `$1` and so on are the groups of the source. */
const RULES = [
  [/^README\.md$/, 'overview.md'],
  [/^FEATURES\.md$/, 'features.md'],
  [/^LOG\.md$/, 'log/index.md'],
  [/^docs\/log\/(.+)\.md$/, 'log/$1.md'],
  [/^docs\/evidence\/README\.md$/, 'evidence.md'],
  [/^docs\/tour\.md$/, 'code-tour.md'],
  [/^docs\/custom-operators\.md$/, 'guides/custom-operators.md'],
  [/^docs\/guides\/(.+)\.md$/, 'guides/$1.md'],
  [/^docs\/decisions\/(.+)\.md$/, 'decisions/$1.md'],
  [/^docs\/([^/]+)\.md$/, '$1.md'],
  [/^packages\/eval\/src\/tasks\/([^/]+)\/README\.md$/, 'packages/tasks/$1.md'],
  [/^(?:packages|apps)\/([^/]+)\/README\.md$/, 'packages/$1.md'],
  [/^benchmarks\/(.+)\.json$/, 'benchmarks/$1.md'],
  [/^examples\/(\d\d-.+)\.js$/, 'examples/$1.md'],
];

/** Folders that texts link to, and the page that shows them. */
const FOLDERS = {
  benchmarks: 'benchmarks/index.md',
  examples: 'examples/index.md',
  'docs/decisions': 'decisions/index.md',
  'docs/log': 'log/index.md',
};

/**
 * Every page that is made of one file of the repository.
 *
 * @returns {{ sources: Map<string, string>, links: Map<string, string> }} page by source, and page by what a text may link to
 */
export function pageMap() {
  const sources = new Map();
  for (const file of repositoryFiles('*.md', 'benchmarks/*.json', 'examples/*.js')) {
    const rule = RULES.find(([pattern]) => pattern.test(file));
    if (rule) sources.set(file, file.replace(...rule));
  }
  const links = new Map([...sources, ...Object.entries(FOLDERS)]);
  // A link to a folder shows its README.
  for (const [file, page] of sources)
    if (file.endsWith('/README.md')) links.set(file.replace(/\/README\.md$/, ''), page);
  return { sources, links };
}
