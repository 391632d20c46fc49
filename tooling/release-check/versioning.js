import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packages, ROOT } from './packages.js';

/** Manifests of the public packages in a copy of the repository. */
const manifests = (root) =>
  packages()
    .map(({ folder }) => join(root, relative(ROOT, folder), 'package.json'))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')));

/**
 * On a copy of the repository: a minor change of `tensor` alone gives all packages one new version (docs/decisions/048), so that
 * no package of one release asks for a tensor of another.
 */
export function checkVersioning(folder) {
  const copy = join(folder, 'copy');
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=check', '-c', 'user.email=check@localhost', ...args], {
      cwd: copy,
      stdio: 'ignore',
    });
  execFileSync('git', ['clone', '--quiet', ROOT, copy], { stdio: 'ignore' });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const changeset = () =>
    execFileSync(process.execPath, [join(ROOT, 'node_modules/@changesets/cli/bin.js'), 'version'], {
      cwd: copy,
      stdio: 'ignore',
    });
  changeset();
  git('add', '-A', '--', 'packages', 'apps', '.changeset');
  git('commit', '-qm', 'release');
  const before = manifests(copy)[0].version;
  writeFileSync(
    join(copy, '.changeset', 'only-tensor.md'),
    '---\n"@modajs/tensor": minor\n---\n\nTensors gain an operator.\n',
  );
  changeset();
  const versions = [...new Set(manifests(copy).map(({ version }) => version))];
  if (versions.length !== 1 || versions[0] === before) {
    throw new Error(
      `release-check: all packages must get one new version after ${before}, got ${versions.join(', ')}. Look at "fixed" in .changeset/config.json.`,
    );
  }
  console.log(`release-check: a minor change of tensor takes all packages from ${before} to ${versions[0]}`);
}
