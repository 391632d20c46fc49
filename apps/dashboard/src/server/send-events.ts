import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RunWatch } from './run-watch.ts';

const HEARTBEAT_MS = 15_000;
const RETRY_MS = 1000;

/**
 * Server-sent events `runs`: first what changed since the `Last-Event-ID` of an earlier connection, or everything, then each
 * change. They tell sizes, not rows: the page fetches the end of the runs it shows.
 */
export async function sendEvents(request: IncomingMessage, response: ServerResponse, watch: RunWatch): Promise<void> {
  const head = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' };
  if (request.method === 'HEAD') return void response.writeHead(200, head).end();
  await watch.look();
  // Who left while the folder was read has no `close` to come any more: nothing may be kept for them.
  if (response.destroyed) return;
  const header = request.headers['last-event-id'];
  let known = Array.isArray(header) ? header[0] : header;
  response.writeHead(200, head);
  response.write(`retry: ${RETRY_MS}\n\n`);
  const tell = (): void => {
    const { id, ...news } = watch.since(known);
    known = id;
    response.write(`id: ${id}\nevent: runs\ndata: ${JSON.stringify(news)}\n\n`);
  };
  tell();
  const unfollow = watch.follow(tell);
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS).unref();
  response.on('close', () => {
    unfollow();
    clearInterval(heartbeat);
  });
}
