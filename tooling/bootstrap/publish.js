/**
 * Publishes a release: every public package whose version the registry lacks, what others depend on first, under the dist tag `staged`.
 * Once the registry has all of them, `latest` moves and the tags are set in git. Where the registry refuses one, `latest` stays on the
 * release before for everybody, this says what to do, and the next run goes on where this one stopped.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './pnpm.js';

const STAGED = 'staged';
const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** What a registry's refusal asks for, by what npm prints of it. */
const CURES = [
  [
    /code (ENEEDAUTH|E401|EOTP)\b/,
    'The registry does not know who publishes: log in with `npm login`, or give the workflow a token that may publish (NPM_TOKEN).',
  ],
  [
    /code (EPUBLISHCONFLICT|E409)\b|previously published|already present/,
    'The registry has had this version before and takes no version twice: add a patch with `pnpm changeset`, run `pnpm version-packages`, commit, and release that.',
  ],
  [
    /code (E403|E404)\b/,
    'This account may not publish this package: see who may with `npm owner ls <package>`, and whether the token is read-only; if the version was published and withdrawn, release the next patch.',
  ],
  [
    /code E422\b/,
    'The registry does not believe where the package comes from: `repository` in its package.json must be the repository that publishes it (tooling/bootstrap/repository-fields.js writes it).',
  ],
  [/code E413\b/, 'The registry takes no package of this size: see what is in it with `npm pack --dry-run`.'],
  [
    /code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|E429|E5\d\d)\b/,
    'The registry does not answer: try again later.',
  ],
];

function publicPackages() {
  return ['packages', 'apps']
    .flatMap((group) => readdirSync(join(ROOT, group)).map((name) => join(ROOT, group, name, 'package.json')))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')))
    .filter((manifest) => !manifest.private)
    .map(({ name, version }) => `${name}@${version}`);
}

/** Runs a command with its output shown; gives its status and all that it printed. */
function shown(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['inherit', 'pipe', 'pipe'] });
    let output = '';
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from.on('data', (data) => {
        output += data;
        to.write(data);
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** Whether the registry has this version, under any tag. */
function has(spec) {
  const { status, stdout } = spawnSync('npm', ['view', spec, 'version'], { cwd: ROOT, encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '';
}

/** Ends with what the registry has, what it lacks and the cure. */
function stop(specs, output) {
  const missing = specs.filter((spec) => !has(spec));
  const there = specs.filter((spec) => !missing.includes(spec));
  const cure = CURES.find(([pattern]) => pattern.test(output))?.[1] ?? 'Its answer stands above.';
  console.error(
    [
      `publish: the registry must take every package of a release, it lacks ${missing.join(', ') || 'none, but a tag did not move'}.`,
      `  It has ${there.join(', ') || 'none of them'}, under the tag "${STAGED}". \`latest\` is what it was, so nobody who installs gets half a release.`,
      `  ${cure}`,
      '  Then run `pnpm release` again: it publishes what is missing and moves `latest` last.',
    ].join('\n'),
  );
  process.exit(1);
}

const specs = publicPackages();
const versions = new Set(specs.map((spec) => spec.split('@').at(-1)));
if (versions.size !== 1 || versions.has('0.0.0')) {
  console.error(
    `publish: all packages must have one version above 0.0.0, got ${[...versions].join(', ')}. Run \`pnpm version-packages\` and commit what it writes.`,
  );
  process.exit(1);
}
const args = ['--recursive', 'publish', '--access', 'public', '--tag', STAGED, '--no-git-checks'];
const published = await shown('npx', ['--yes', packageManager, ...args]);
if (published.status !== 0) stop(specs, published.output);
for (const spec of specs) {
  const moved = await shown('npm', ['dist-tag', 'add', spec, 'latest']);
  if (moved.status !== 0) stop(specs, moved.output);
}
const tagged = await shown('npx', ['--yes', packageManager, 'exec', 'changeset', 'tag']);
if (tagged.status !== 0) process.exit(1);
console.log(
  `publish: the registry has all ${specs.length} packages in version ${[...versions][0]}, and \`latest\` is that`,
);
