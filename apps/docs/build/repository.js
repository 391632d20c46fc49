import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, without a slash at the end. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Tracked and new files that match Git's patterns, from the repository's root, sorted. */
export function repositoryFiles(...patterns) {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...patterns], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\n').filter((file) => file !== ''))].sort();
}

/** Text of a file of the repository. */
export function repositoryText(file) {
  return readFileSync(join(ROOT, file), 'utf8');
}
