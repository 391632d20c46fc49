import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { packages, ROOT } from './packages.js';

/**
 * Copies the repository as it stands, with what was built and the links to what packages depend on, into `folder` as a repository of one commit.
 *
 * @returns {string} the folder
 */
export function copyRepository(folder) {
  const git = (...args) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  for (const file of files.split('\0').filter((file) => file !== '' && existsSync(join(ROOT, file)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const copyBuilt = (path) => {
    if (existsSync(join(ROOT, path)))
      cpSync(join(ROOT, path), join(folder, path), { recursive: true, verbatimSymlinks: true });
  };
  for (const { folder: from } of packages()) copyBuilt(join(relative(ROOT, from), 'dist'));
  for (const group of ['packages', 'apps', 'tooling']) {
    for (const name of readdirSync(join(ROOT, group))) copyBuilt(join(group, name, 'node_modules'));
  }
  git('init', '--quiet');
  // Whoever tags a release has a name; a machine of CI need not.
  git('config', 'user.name', 'check');
  git('config', 'user.email', 'check@localhost');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'the repository as it stands');
  return folder;
}
