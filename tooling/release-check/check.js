/**
 * What a user gets: rehearses a release in a registry on this machine (docs/releasing.md), compiles a strict program against the
 * published types, runs the command by `npx`, each README's example in Node and, where it needs no Node, in a Vite page in Chromium, and the
 * programs of `examples/` in one page, and a page by two bundlers on both devices; then publishes a second version, which a registry
 * refuses at first, and upgrades a project to it.
 * Exits 1 at the first thing that does not hold. With `--types` it ends after the types.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkStrictConsumers } from '@modajs/strict-consumers';
import { checkBrowserExamples } from './browser-examples.js';
import { checkExamplePrograms } from './example-programs.js';
import { checkNodeExamples } from './node-examples.js';
import { packages } from './packages.js';
import { checkPages } from './pages.js';
import { publishFirst, publishSecond, runWithoutInstalling, startRehearsal } from './rehearsal.js';

const folder = mkdtempSync(join(tmpdir(), 'moda-release-'));
const project = join(folder, 'project');
const started = performance.now();
const rehearsal = await startRehearsal(folder);
try {
  const { version, tarballs } = publishFirst(rehearsal);
  const strict = join(folder, 'strict');
  mkdirSync(strict);
  checkStrictConsumers(strict, tarballs, packages());
  if (!process.argv.includes('--types')) {
    runWithoutInstalling(rehearsal, version, project);
    checkNodeExamples(project, packages());
    await checkBrowserExamples(project, packages());
    await checkExamplePrograms(join(folder, 'programs'), join(project, 'node_modules'));
    await checkPages(join(folder, 'pages'), join(project, 'node_modules'));
    await publishSecond(rehearsal, version);
    console.log(
      `release-check: a release can be published, used and followed by another (${Math.round((performance.now() - started) / 1000)} s)`,
    );
  }
} finally {
  rehearsal.registry.close();
  rmSync(folder, { recursive: true, force: true });
}
