import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HttpError } from './http-error.ts';
import type { OpenFile } from './runs-folder.ts';
import { DOCUMENT_POLICY } from './security-headers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson; charset=utf-8',
  '.yaml': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
};

/** Sends a file of the runs folder, whole or the one byte range asked for, and closes it. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { handle, stats }: OpenFile,
): Promise<void> {
  try {
    const range = rangeOf(request.headers.range, stats.size);
    if (range === 'impossible') {
      response.setHeader('Content-Range', `bytes */${stats.size}`);
      throw new HttpError(416, `the file has ${stats.size} bytes`);
    }
    const [begin, end] = range ?? [0, stats.size];
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    if (type.startsWith('text/html')) response.setHeader('Content-Security-Policy', DOCUMENT_POLICY);
    response.writeHead(range === null ? 200 : 206, {
      'Content-Type': type,
      'Content-Length': end - begin,
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'no-store',
      ...(range === null ? {} : { 'Content-Range': `bytes ${begin}-${end - 1}/${stats.size}` }),
    });
    if (request.method === 'HEAD' || begin === end) response.end();
    else await pipeline(handle.createReadStream({ start: begin, end: end - 1, autoClose: false }), response);
  } finally {
    await handle.close();
  }
}

/** Begin and end of `bytes=a-b`, `bytes=a-` or `bytes=-n`; null to send all, as for what is no single range. */
function rangeOf(header: string | undefined, size: number): readonly [number, number] | null | 'impossible' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const [first, last] = [Number(match[1]), Number(match[2])];
  if (match[1] === '') return last === 0 || size === 0 ? 'impossible' : [Math.max(0, size - last), size];
  if (first >= size || (match[2] !== '' && last < first)) return 'impossible';
  return [first, match[2] === '' ? size : Math.min(size, last + 1)];
}
