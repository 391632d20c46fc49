/**
 * Writes into every public package where it comes from: `repository`, `homepage` and `bugs`, as GitHub says it to a workflow. npm refuses
 * provenance for a package whose `repository` is not the one that the workflow runs in; a fork publishes under its own address.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './pnpm.js';

const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY) {
  console.error('repository-fields: GITHUB_SERVER_URL and GITHUB_REPOSITORY must be set, as they are in a workflow.');
  process.exit(2);
}
const url = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`;
for (const group of ['packages', 'apps']) {
  for (const name of readdirSync(join(ROOT, group))) {
    const file = join(ROOT, group, name, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    if (manifest.private) continue;
    manifest.repository = { type: 'git', url: `git+${url}.git`, directory: `${group}/${name}` };
    manifest.homepage = `${url}/tree/main/${group}/${name}`;
    manifest.bugs = `${url}/issues`;
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  }
}
console.log(`repository-fields: ${url}`);
