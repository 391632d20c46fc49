import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_MS = 30_000;

const OPEN = { firefox: openFirefox, webkit: openWebKit };

/**
 * Starts Firefox ESR or WebKitGTK as Debian has them, in a virtual display and a new profile, and speaks W3C WebDriver with it:
 * Firefox by its own Marionette, for Debian has no geckodriver; WebKit by `WebKitWebDriver`.
 *
 * @param {'firefox' | 'webkit'} name
 * @returns {Promise<import('./index.d.ts').DrivenBrowser>}
 */
export async function driveBrowser(name) {
  const folder = mkdtempSync(join(tmpdir(), `moda-${name}-`));
  const children = [];
  const end = () => {
    for (const child of children.reverse()) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const start = (program, args, environment = {}) => {
      const env = { ...process.env, HOME: folder, LANG: 'C', LC_ALL: 'C', ...environment };
      const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
      children.push(child);
      return child;
    };
    const display = await startDisplay(start);
    const session = await OPEN[name]((program, args) => start(program, args, { DISPLAY: display }), folder);
    return {
      open: (url) => session.send('open', { url }),
      run: (script, ...args) => session.send('run', { script, args }),
      screenshot: async () => Buffer.from(await session.send('screenshot', {}), 'base64'),
      close: async () => {
        await session.close();
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** `Xvfb` takes a free display and writes its number to descriptor 3. */
async function startDisplay(start) {
  const child = start('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1000x24', '-nolisten', 'tcp']);
  const [number] = await new Promise((resolve, reject) => {
    child.stdio[3].once('data', (bytes) => resolve(String(bytes).split('\n')));
    child.once('exit', () => reject(new Error('browser: Xvfb ended as it started.')));
  });
  return `:${number.trim()}`;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries until the browser answers. */
async function eventually(attempt) {
  const deadline = Date.now() + START_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** WebKitGTK's own small browser, in the folder of the machine's architecture. */
function miniBrowser() {
  const architecture = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  return `/usr/lib/${architecture}-linux-gnu/webkit2gtk-4.1/MiniBrowser`;
}

/** WebDriver over HTTP. */
async function openWebKit(start) {
  const port = await freePort();
  start('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1']);
  const request = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } : {}),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`webkit: ${value.error}: ${value.message}`);
    return value;
  };
  await eventually(() => request('GET', '/status'));
  const capabilities = {
    alwaysMatch: { 'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation'] } },
  };
  const { sessionId } = await request('POST', '/session', { capabilities });
  const path = `/session/${sessionId}`;
  const commands = {
    open: (body) => request('POST', `${path}/url`, body),
    run: (body) => request('POST', `${path}/execute/sync`, body),
    screenshot: () => request('GET', `${path}/screenshot`),
  };
  return { send: (command, body) => commands[command](body), close: () => request('DELETE', path) };
}

/** WebDriver's commands over Firefox's own connection: `<length>:[0, id, command, parameters]`, answers `[1, id, error, result]`. */
async function openFirefox(start, folder) {
  const port = await freePort();
  writeFileSync(join(folder, 'user.js'), `user_pref("marionette.port", ${port});\n`);
  start('firefox-esr', ['--marionette', '--no-remote', '--profile', folder, 'about:blank']);
  const socket = await eventually(
    () =>
      new Promise((resolve, reject) => {
        const attempt = connect(port, '127.0.0.1', () => resolve(attempt)).once('error', reject);
      }),
  );
  const waiting = new Map();
  let bytes = Buffer.alloc(0);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    for (;;) {
      const colon = bytes.indexOf(':');
      const length = Number(bytes.subarray(0, Math.max(0, colon)).toString());
      if (colon < 0 || bytes.length < colon + 1 + length) return;
      const message = JSON.parse(bytes.subarray(colon + 1, colon + 1 + length).toString());
      bytes = bytes.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message;
      waiting.get(id)?.(error, result);
      waiting.delete(id);
    }
  });
  let last = 0;
  const command = (name, parameters) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, (error, result) =>
        error ? reject(new Error(`firefox: ${error.error}: ${error.message}`)) : resolve(result?.value),
      );
      const text = JSON.stringify([0, id, name, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  await command('WebDriver:NewSession', {});
  const names = { open: 'WebDriver:Navigate', run: 'WebDriver:ExecuteScript', screenshot: 'WebDriver:TakeScreenshot' };
  return {
    send: (name, parameters) => command(names[name], name === 'screenshot' ? { full: false } : parameters),
    close: async () => socket.destroy(),
  };
}
