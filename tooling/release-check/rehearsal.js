import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNPM, packages, ROOT } from './packages.js';
import { registryEnvironment, startRegistry } from './registry.js';
import { copyRepository } from './repository-copy.js';

const CONSUMER = fileURLToPath(new URL('./consumer', import.meta.url));
/** Refused by the second registry: packages before it and after it in the order of dependency are there. */
const REFUSED = '@modajs/models';

/** @param {string} text */
function expect(holds, text) {
  if (!holds) throw new Error(`release-check: ${text}`);
}

/**
 * A release, rehearsed: versions and publishes a copy of the repository in a registry on this machine, by the commands of
 * docs/releasing.md and of the workflow.
 *
 * @param {string} folder an empty folder to work in
 */
export async function startRehearsal(folder) {
  const configured = (name) => execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  const upstream = configured('registry');
  const cache = configured('cache');
  await fetch(upstream, { method: 'HEAD', signal: AbortSignal.timeout(30_000) }).catch((error) => {
    throw new Error(
      `release-check: what our packages depend on comes from the registry that npm is configured for; it does not answer (${error.cause?.code ?? error.message}). Connect to a network, or set another with \`npm config set registry\`.`,
    );
  });
  const storage = join(folder, 'registry');
  const registry = await startRegistry(storage, upstream);
  const env = registryEnvironment(folder, registry, cache);
  const copy = copyRepository(join(folder, 'copy'));
  const run = (command, args, cwd, environment = env) =>
    execFileSync(command, args, { cwd, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

  /** `pnpm version-packages`, and the builds that have the version before in them. */
  function version() {
    const before = manifestOf(copy, packages()[0].folder).version;
    run('npx', ['--yes', PNPM, 'version-packages'], copy);
    for (const { folder: source } of packages()) {
      const there = join(copy, relative(ROOT, source));
      const scripts = readdirSync(join(there, 'dist'), { recursive: true }).filter((name) => name.endsWith('.js'));
      const names = scripts.some((name) => readFileSync(join(there, 'dist', name), 'utf8').includes(`"${before}"`));
      if (names && existsSync(join(there, 'tsup.config.ts')))
        run(join(there, 'node_modules/.bin/tsup'), ['--silent'], there);
    }
    const versions = new Set(packages().map(({ folder: source }) => manifestOf(copy, source).version));
    expect(
      versions.size === 1,
      `all packages must get one version, got ${[...versions].join(', ')}. Look at "fixed" in .changeset/config.json.`,
    );
    return [...versions][0];
  }

  /** The publishing part of `pnpm release:github`. */
  function publish(environment = env) {
    const address = { GITHUB_SERVER_URL: 'https://example.com', GITHUB_REPOSITORY: 'moda/moda' };
    run(process.execPath, ['tooling/bootstrap/repository-fields.js'], copy, { ...environment, ...address });
    return spawnSync(process.execPath, ['tooling/bootstrap/publish.js'], {
      cwd: copy,
      env: environment,
      encoding: 'utf8',
    });
  }

  const latest = (name) => run('npm', ['view', name, 'dist-tags.latest'], folder).trim();
  return { registry, env, copy, storage, run, version, publish, latest, upstream, cache, folder };
}

const manifestOf = (copy, source) =>
  JSON.parse(readFileSync(join(copy, relative(ROOT, source), 'package.json'), 'utf8'));

/** An empty project with `xor-and-moda.js` in it. */
export function consumerProject(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  cpSync(CONSUMER, folder, { recursive: true });
  return folder;
}

/** Publishes the first version; gives its number and the tarballs by package. */
export function publishFirst(rehearsal) {
  const version = rehearsal.version();
  const { status, stdout, stderr } = rehearsal.publish();
  expect(status === 0, `the first release must be published; it ended with ${status}:\n${stdout}${stderr}`);
  const tarballs = Object.fromEntries(
    packages().map(({ name }) => [name, join(rehearsal.storage, name, `${name.split('/')[1]}-${version}.tgz`)]),
  );
  for (const [name, file] of Object.entries(tarballs))
    expect(existsSync(file), `${name} must be in the registry; it is not.`);
  console.log(`release-check: published ${Object.keys(tarballs).length} packages in version ${version}`);
  return { version, tarballs };
}

/** `npx @modajs/trainer --version` in an empty folder; what it installed becomes the modules of `project`. */
export function runWithoutInstalling({ run, folder }, version, project) {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const printed = run('npx', ['--yes', '@modajs/trainer', '--version'], empty).trim();
  expect(printed === version, `\`npx @modajs/trainer --version\` must print ${version}, got ${printed}.`);
  const [installed] = readdirSync(join(folder, 'npm/_npx'))
    .map((name) => join(folder, 'npm/_npx', name, 'node_modules'))
    .filter((modules) => existsSync(join(modules, '@modajs/trainer')));
  mkdirSync(project, { recursive: true });
  renameSync(installed, join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  console.log(`release-check: npx @modajs/trainer --version prints ${printed} in an empty folder`);
}

/**
 * The second release, a minor change of `tensor` alone: refused by a registry at one package, then taken; and what an existing project
 * sees of it, which had both packages of the first.
 */
export async function publishSecond(rehearsal, first) {
  const { run, folder, copy, latest, env } = rehearsal;
  const project = consumerProject(join(folder, 'existing'));
  run('npm', ['install', '@modajs/moda', '@modajs/tensor'], project);
  const program = () => spawnSync(process.execPath, ['main.js'], { cwd: project, encoding: 'utf8' });
  const copies = () =>
    new Set(run('npm', ['ls', '@modajs/tensor', '--parseable', '--all'], project).trim().split('\n'));
  expect(program().status === 0, `the program must run with ${first}:\n${program().stderr}`);
  console.log(`release-check: npm install @modajs/moda @modajs/tensor gives ${first} and the program runs`);

  writeFileSync(
    join(copy, '.changeset/only-tensor.md'),
    '---\n"@modajs/tensor": minor\n---\n\nTensors gain an operator.\n',
  );
  const second = rehearsal.version();
  expect(second !== first, `a minor change must give a version after ${first}, got ${second}.`);
  const strict = await startRegistry(rehearsal.storage, rehearsal.upstream, REFUSED);
  try {
    const refused = rehearsal.publish(registryEnvironment(folder, strict, rehearsal.cache));
    expect(refused.status === 1, `a release that a registry refuses must end with 1, got ${refused.status}.`);
    for (const part of [`lacks `, `${REFUSED}@${second}`, 'npm owner ls', 'run `pnpm release` again'])
      expect(refused.stderr.includes(part), `a refused release must say "${part}"; it says\n${refused.stderr}`);
  } finally {
    strict.close();
  }
  for (const name of ['@modajs/tensor', '@modajs/moda', REFUSED])
    expect(latest(name) === first, `after a refusal \`latest\` of ${name} must be ${first}, got ${latest(name)}.`);
  console.log(
    `release-check: a registry that refuses ${REFUSED}@${second} leaves ${first} the latest of all, and the release says what to do`,
  );

  const again = rehearsal.publish();
  expect(
    again.status === 0,
    `the release must go on where it stopped; it ended with ${again.status}:\n${again.stderr}`,
  );
  expect(!again.stdout.includes(`+ @modajs/tensor@${second}`), 'what was published must not be published again.');
  for (const { name } of packages())
    expect(latest(name) === second, `\`latest\` of ${name} must be ${second}, got ${latest(name)}.`);

  run('npm', ['update'], project);
  expect(copies().size === 1 && program().status === 0, `npm update must leave one tensor of ${first}.`);
  // One package of a new minor without the other: the program cannot run, and says which two versions it has.
  run('npm', ['install', '@modajs/moda@latest'], project);
  const torn = program();
  expect(
    torn.status !== 0 && [first, second].every((version) => torn.stderr.includes(version)),
    `two copies must be named; the program says\n${torn.stderr}`,
  );
  run('npm', ['install', '@modajs/moda@latest', '@modajs/tensor@latest'], project);
  expect(
    copies().size === 1 && program().status === 0,
    `after an upgrade of both there must be one tensor and the program must run:\n${program().stderr}`,
  );
  console.log(`release-check: a project of ${first} is upgraded to ${second} with one tensor; with two it says so`);
  return env;
}
