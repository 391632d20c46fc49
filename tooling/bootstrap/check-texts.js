/**
 * Fails when a tracked text tells the reader what does not hold:
 *   - to run a stranger's npm package: the command is `moda`, its package `@modajs/trainer`, and npm has another package of
 *     the command's name;
 *   - to look at a file that does not exist: a relative link, or a path in backticks that starts at the repository's root.
 *     Code blocks, change logs and dated notes are left out: they speak of other places and times;
 *   - of a decision by a number that two notes have.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './pnpm.js';

const command = 'moda';
const strangers = `(npx|npm exec|pnpm dlx|yarn dlx|bunx) ([-a-z]+ )*${command}([^-a-z@/]|$)`;

function git(...args) {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  } catch (error) {
    // Status 1: nothing was found.
    if (error.status === 1) return '';
    throw error;
  }
}

/** Relative links of a Markdown text, without what follows `#`. */
function linksOf(text) {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link)
    .filter((link) => !/^([a-z]+:|#)/.test(link))
    .map((link) => link.split('#')[0]);
}

/** Paths in backticks from the repository's root. Patterns and placeholders (`*`, `{a,b}`, `<name>`) are no paths. */
function pathsOf(text) {
  return [...text.matchAll(/`((?:packages|apps|tooling|docs|examples|studies|benchmarks|\.ci)\/[^`\s]*)`/g)]
    .map(([, path]) => path)
    .filter((path) => !/[*{<]/.test(path));
}

function missingFiles() {
  const texts = git('ls-files', '*.md')
    .split('\n')
    .filter((file) => file !== '' && !file.endsWith('CHANGELOG.md') && !file.startsWith('docs/log/'));
  return texts.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8').replace(/```.*?```/gs, '');
    const named = [...linksOf(text).map((link) => join(dirname(file), link)), ...pathsOf(text)];
    return named.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${file}: ${path}`);
  });
}

/** Decision notes whose number another one has, or whose title has another number than the file. */
function misnumberedDecisions() {
  const notes = git('ls-files', 'docs/decisions/*.md').split('\n').filter(Boolean);
  const numberOf = (file) => file.match(/(\d{3})-[^/]*$/)?.[1];
  return notes.filter((file) => {
    const twins = notes.filter((other) => numberOf(other) === numberOf(file));
    const title = readFileSync(join(ROOT, file), 'utf8').match(/^# (\d{3})\b/)?.[1];
    return twins.length > 1 || title !== numberOf(file);
  });
}

const complaints = [
  [
    `the command must be named npx @modajs/trainer, or npm run ${command} -- in a checkout`,
    git('grep', '-nIE', strangers),
  ],
  ['a file that a text names must exist', missingFiles().join('\n')],
  ['a decision note must have a number of its own, also in its title', misnumberedDecisions().join('\n')],
].filter(([, found]) => found !== '');
for (const [must, found] of complaints) console.error(`texts: ${must}, got\n${found}`);
if (complaints.length > 0) process.exit(1);
console.log(
  `texts: none runs another's package of the name ${command}, and every file that one names exists, decisions are numbered once`,
);
