import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sirv, { type Options } from 'sirv';
import { HttpError } from './http-error.ts';

/** Where the built page lies in this package. */
export function builtSite(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@modajs/dashboard/package.json')), 'dist/site');
}

/** Tells the page that runs are served beside it; on any other server it is not there. */
const SERVED = '<meta name="moda-server" content="runs" />';

/** The runtime of onnxruntime-web (27 MB) as a built page asks for it; the hash is that of its content. */
const RUNTIME = /^\/assets\/(ort-[\w.-]+)-[\w-]{8}\.wasm$/;

/**
 * Where onnxruntime-web is installed beside the dashboard, its folder of files. Its runtime is not published with the dashboard, which only
 * compares itself with it; the page holds the program of one version, so another version's runtime would not fit.
 */
function installedRuntime(): string | null {
  const require = createRequire(import.meta.url);
  try {
    const folder = dirname(require.resolve('onnxruntime-web'));
    const { version } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'));
    const { peerDependencies } = require('@modajs/dashboard/package.json');
    return version === peerDependencies['onnxruntime-web'] ? folder : null;
  } catch {
    return null;
  }
}

/**
 * Answers with the files of a built page. They are listed once at the start, so that a path can only name one of them.
 *
 * @param runtime folder with the runtime of onnxruntime-web, for a page that has none of its own; null for none
 * @throws Error when there is no built page
 */
export function siteAnswers(
  folder: string,
  runtime: string | null = installedRuntime(),
): (request: IncomingMessage, response: ServerResponse) => void {
  const index = join(folder, 'index.html');
  if (!existsSync(index))
    throw new Error(
      `dashboard: the page must be built, there is no ${index}. Run: pnpm --filter @modajs/dashboard build`,
    );
  const page = readFileSync(index, 'utf8').replace('</head>', `${SERVED}</head>`);
  const options: Options = {
    etag: true,
    setHeaders: (response, path) =>
      response.setHeader('Cache-Control', path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache'),
  };
  const notFound = (): never => {
    throw new HttpError(404, 'there is no such address');
  };
  const runtimes = runtime === null ? notFound : sirv(runtime, { ...options, onNoMatch: notFound });
  const files = sirv(folder, {
    ...options,
    onNoMatch: (request, response) => {
      const [, name] = RUNTIME.exec(request.url ?? '') ?? [];
      if (name === undefined) notFound();
      request.url = `/${name}.wasm`;
      runtimes(request, response);
    },
  });
  return (request, response) => {
    const [path] = (request.url ?? '/').split('?');
    if (path !== '/' && path !== '/index.html') return files(request, response);
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' });
    response.end(request.method === 'HEAD' ? undefined : page);
  };
}
