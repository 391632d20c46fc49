import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HttpError } from './http-error.ts';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];

/** Whether a host name or address reaches this machine only. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAMES.includes(host) || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whom the server answers. */
export interface GuardOptions {
  /** What it listens on. */
  readonly host: string;
  /** Further names by which it may be called. */
  readonly allowedHosts: readonly string[];
}

/**
 * Lets through what the dashboard's own page asks, and an address that a person opens.
 *
 * A page of another site cannot read the answers (no CORS header), and is refused besides: by `Origin`, and by
 * `Sec-Fetch-Site`, which browsers send with every request. A name that an attacker points at this machine (DNS rebinding)
 * has the wrong `Host`: on loopback only loopback names are answered; on another address, also addresses, which cannot be
 * rebound, and the names that were allowed.
 *
 * @throws HttpError
 */
export function guardRequest(request: IncomingMessage, { host, allowedHosts }: GuardOptions): void {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new HttpError(405, `only GET and HEAD are answered, got ${request.method}`);
  const name = hostName(request.headers.host);
  const isAllowed =
    name !== null &&
    (isLoopback(name) || allowedHosts.includes(name) || (!isLoopback(host) && (isIP(name) !== 0 || name === host)));
  if (!isAllowed)
    throw new HttpError(421, `this server is not called ${JSON.stringify(name ?? request.headers.host ?? '')}`);
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${request.headers.host}`)
    throw new HttpError(403, 'requests of other origins are refused');
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isLinkToThePage(request))
    throw new HttpError(403, 'requests of other sites are refused');
}

/** A link on another site may open the page itself, which then asks for its data as its own. */
function isLinkToThePage(request: IncomingMessage): boolean {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = request.headers;
  return mode === 'navigate' && destination === 'document' && /^\/(\?|$)/.test(request.url ?? '');
}

/** The name in a `Host` header, lower case, without port and brackets; null when it is none. */
function hostName(header: string | undefined): string | null {
  const match = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(header ?? '');
  return match === null ? null : (match[1] ?? match[2]).toLowerCase();
}
