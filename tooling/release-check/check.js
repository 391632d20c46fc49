/**
 * What a user gets: packs every public package, compiles a strict program against their types, installs the tarballs into an empty
 * project, runs each README's example in Node and, where it needs no Node, in a Vite page in Chromium, and the programs of `examples/` in one page; then checks on a copy of
 * the repository that `changeset version` gives all packages one version. Exits 1 at the first thing that does not hold. With `--types` it ends
 * after the types.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkStrictConsumers } from '@modajs/strict-consumers';
import { checkBrowserExamples } from './browser-examples.js';
import { checkExamplePrograms } from './example-programs.js';
import { checkNodeExamples } from './node-examples.js';
import { packAll, packages } from './packages.js';
import { checkVersioning } from './versioning.js';

const folder = mkdtempSync(join(tmpdir(), 'moda-release-'));
const project = join(folder, 'project');
try {
  mkdirSync(project);
  const tarballs = packAll(folder);
  console.log(`release-check: packed ${Object.keys(tarballs).length} packages`);
  const strict = join(folder, 'strict');
  mkdirSync(strict);
  checkStrictConsumers(strict, tarballs, packages());
  if (!process.argv.includes('--types')) await checkExamples(tarballs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function checkExamples(tarballs) {
  const dependencies = Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]));
  await checkNodeExamples(project, dependencies, packages());
  await checkBrowserExamples(project, packages());
  await checkExamplePrograms(join(folder, 'programs'), join(project, 'node_modules'));
  checkVersioning(folder);
  console.log('release-check: all packages install from their tarballs and their examples run');
}
