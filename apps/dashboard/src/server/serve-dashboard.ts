import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Api } from './api.ts';
import { guardRequest } from './guard-request.ts';
import { HttpError } from './http-error.ts';
import { RunsFolder } from './runs-folder.ts';
import { setSecurityHeaders } from './security-headers.ts';
import { builtSite, siteAnswers } from './site.ts';

/** How the dashboard is served. */
export interface DashboardOptions {
  /** Folder of run folders; it may come into being later. */
  readonly runs: string;
  /** Address to listen on; others than loopback only when asked for. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Names besides the machine's addresses by which it may be called on an address that is not loopback. */
  readonly allowedHosts?: readonly string[];
  /** Folder of the built page; the one of this package by default. */
  readonly site?: string;
  /** Milliseconds between looks for new rows while a page is open. */
  readonly pollMs?: number;
}

/** A dashboard that is being served. */
export interface ServedDashboard {
  readonly url: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

/**
 * Serves the page and the runs folder, to be read only.
 *
 * @throws Error of `listen`, such as `EADDRINUSE`; or when the page is not built
 */
export async function serveDashboard(options: DashboardOptions): Promise<ServedDashboard> {
  const { runs, host = '127.0.0.1', port = 0, allowedHosts = [], site = builtSite(), pollMs = 500 } = options;
  const api = new Api(new RunsFolder(runs), pollMs);
  const answerSite = siteAnswers(site);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    setSecurityHeaders(response);
    guardRequest(request, { host, allowedHosts });
    if (request.url?.startsWith('/api/')) await api.answer(request, response);
    else answerSite(request, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers an error without telling what is on this machine; a broken connection needs no answer. */
function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isExpected = error instanceof HttpError;
  if (!isExpected) console.error(error);
  response.writeHead(isExpected ? error.status : 500, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
  });
  response.end(JSON.stringify({ error: isExpected ? error.message : 'the server failed; its terminal says how' }));
}
