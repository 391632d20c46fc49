import { fork } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./registry-process.js', import.meta.url));

/**
 * Starts an npm registry (Verdaccio) on this machine that keeps our packages and asks the configured registry for all others.
 *
 * @param {string} folder what it keeps; two registries over one folder have the same packages
 * @param {string} upstream the registry that npm is configured for
 * @param {string} [refused] a package that it lets nobody publish (403)
 * @returns {Promise<{ url: string, token: string, close: () => void }>} `token` of a user who may publish
 */
export async function startRegistry(folder, upstream, refused) {
  mkdirSync(folder, { recursive: true });
  const child = fork(PROCESS, [folder, upstream, ...(refused ? [refused] : [])], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`release-check: the registry must start; it ended with ${code}.`)));
  });
  return { url, token: await logIn(url), close: () => child.kill() };
}

/** A user of the registry, as `npm login` makes one. */
async function logIn(url) {
  // Two registries over one folder have one list of users.
  const name = `publisher-${new URL(url).port}`;
  const user = { name, password: 'of this rehearsal', email: 'publisher@example.com' };
  const response = await fetch(`${url}/-/user/org.couchdb.user:${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(user),
  });
  const { token, error } = await response.json();
  if (!token) throw new Error(`release-check: the registry must take a user, it says ${error}.`);
  return token;
}

/**
 * The environment in which npm and pnpm use a registry as a user does who has logged in, with logs and `npx` packages in `folder`.
 * What npm has fetched before is used.
 *
 * @param {string} folder
 * @param {{ url: string, token: string }} registry
 * @param {string} cache npm's cache
 */
export function registryEnvironment(folder, { url, token }, cache) {
  const home = join(folder, 'npm');
  mkdirSync(home, { recursive: true });
  mkdirSync(join(cache, '_cacache'), { recursive: true });
  if (!existsSync(join(home, '_cacache'))) symlinkSync(realpathSync(join(cache, '_cacache')), join(home, '_cacache'));
  const userconfig = join(home, `npmrc-${new URL(url).port}`);
  writeFileSync(
    userconfig,
    `registry=${url}/\n//${new URL(url).host}/:_authToken=${token}\naudit=false\nfund=false\nupdate-notifier=false\n`,
  );
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  return { ...Object.fromEntries(inherited), NPM_CONFIG_USERCONFIG: userconfig, NPM_CONFIG_CACHE: home };
}
