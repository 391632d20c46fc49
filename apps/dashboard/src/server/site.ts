import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sirv from 'sirv';
import { HttpError } from './http-error.ts';

/** Where the built page lies in this package. */
export function builtSite(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@modajs/dashboard/package.json')), 'dist/site');
}

/** Tells the page that runs are served beside it; on any other server it is not there. */
const SERVED = '<meta name="moda-server" content="runs" />';

/**
 * Answers with the files of a built page. They are listed once at the start, so that a path can only name one of them.
 *
 * @throws Error when there is no built page
 */
export function siteAnswers(folder: string): (request: IncomingMessage, response: ServerResponse) => void {
  const index = join(folder, 'index.html');
  if (!existsSync(index))
    throw new Error(
      `dashboard: the page must be built, there is no ${index}. Run: pnpm --filter @modajs/dashboard build`,
    );
  const page = readFileSync(index, 'utf8').replace('</head>', `${SERVED}</head>`);
  const files = sirv(folder, {
    etag: true,
    onNoMatch: () => {
      throw new HttpError(404, 'there is no such address');
    },
    setHeaders: (response, path) =>
      response.setHeader('Cache-Control', path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache'),
  });
  return (request, response) => {
    const [path] = (request.url ?? '/').split('?');
    if (path !== '/' && path !== '/index.html') return files(request, response);
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' });
    response.end(request.method === 'HEAD' ? undefined : page);
  };
}
