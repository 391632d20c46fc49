import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A hub on the loopback interface that speaks as much of Hugging Face's API as `@huggingface/hub` asks. */
export interface FakeHub {
  readonly endpoint: string;
  /** What was asked so far: method, path, and the range of a download. */
  readonly asked: string[];
  /** Headers of the last request. */
  lastHeaders: IncomingMessage['headers'];
  /** The commit that `main` and `refs/convert/parquet` name. */
  sha: string;
  /** Files by path. */
  readonly files: Map<string, Uint8Array>;
  /** Ends each download after so many bytes. */
  breakAfter: number | null;
  /** Sends other bytes than the hash promises. */
  isCorrupt: boolean;
  close(): void;
}

const repository = /^\/(?:api\/)?(models\/|datasets\/)?owner\/name\//;

/** Starts a hub with one model and one dataset repository, both `owner/name` with the same files. */
export async function startFakeHub(files: Record<string, Uint8Array>): Promise<FakeHub> {
  const server = createServer((request, response) => void answer(hub, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hub: FakeHub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    lastHeaders: {},
    sha: 'a'.repeat(40),
    files: new Map(Object.entries(files)),
    breakAfter: null,
    isCorrupt: false,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return hub;
}

async function answer(hub: FakeHub, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent(request.url!.split('?')[0]);
  const { range } = request.headers;
  hub.asked.push(`${request.method} ${path}${range ? ` ${range}` : ''}`);
  hub.lastHeaders = request.headers;
  const json = (value: unknown) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (!repository.test(path)) return void response.writeHead(401).end();
  const [what, ...rest] = path.replace(repository, '').split('/');
  if (what === 'revision') return void json({ _id: '1', id: 'owner/name', sha: hub.sha, lastModified: '2026-01-01' });
  const known = [...hub.files].map(([name, bytes]) => entry(name, bytes));
  if (what === 'tree') {
    const folder = rest.slice(1).join('/');
    return void json(known.filter((file) => file.path.startsWith(`${folder}/`)));
  }
  if (what === 'paths-info') {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { paths } = JSON.parse(body) as { paths: string[] };
    return void json(known.filter((file) => paths.includes(file.path)));
  }
  const bytes = hub.files.get(rest.slice(1).join('/'));
  if (what !== 'resolve' || !bytes) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
  send(hub, bytes, range, response);
}

function entry(path: string, bytes: Uint8Array) {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  if (!/\.(safetensors|parquet)$/.test(path)) return { type: 'file', path, size: bytes.length, oid };
  const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 120 };
  return { type: 'file', path, size: bytes.length, oid: 'f'.repeat(40), lfs };
}

function send(hub: FakeHub, bytes: Uint8Array, range: string | undefined, response: ServerResponse): void {
  const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(range ?? '') ?? [];
  const end = to === '' ? bytes.length : Number(to) + 1;
  const sent = hub.isCorrupt ? bytes.map((byte) => byte ^ 1) : bytes;
  const part = sent.subarray(Number(from), end);
  response.writeHead(range ? 206 : 200, {
    'content-length': part.length,
    'content-range': `bytes ${from}-${end - 1}/${bytes.length}`,
    etag: '"e"',
  });
  const isProbe = part.length <= 1;
  if (hub.breakAfter === null || isProbe) return void response.end(part);
  response.write(part.subarray(0, hub.breakAfter), () => setTimeout(() => response.destroy(), 100));
}
