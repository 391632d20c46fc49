import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { RunEntry } from './run-list.ts';
import { RunWatch } from './run-watch.ts';
import { sendEvents } from './send-events.ts';

function connection() {
  const response = Object.assign(new PassThrough(), { writeHead: vi.fn().mockReturnThis() });
  return { request: { headers: {} } as IncomingMessage, response: response as unknown as ServerResponse };
}

describe('sendEvents', () => {
  it('keeps no follower and no timer for a client that leaves during the first look', async () => {
    let found: (runs: RunEntry[]) => void = () => {};
    const watch = new RunWatch(() => new Promise((resolve) => (found = resolve)), 1e6);
    const follow = vi.spyOn(watch, 'follow');
    const interval = vi.spyOn(globalThis, 'setInterval');
    const { request, response } = connection();
    const sending = sendEvents(request, response, watch);
    response.destroy();
    await new Promise((resolve) => response.once('close', resolve));
    found([]);
    await sending;
    expect(follow).not.toHaveBeenCalled();
    expect(interval).not.toHaveBeenCalled();
  });

  it('ends the timers of a client that leaves later', async () => {
    const watch = new RunWatch(async () => [], 1e6);
    const started = vi.spyOn(globalThis, 'setInterval');
    const ended = vi.spyOn(globalThis, 'clearInterval');
    const { request, response } = connection();
    await sendEvents(request, response, watch);
    response.destroy();
    await new Promise((resolve) => response.once('close', resolve));
    const timers = started.mock.results.map(({ value }) => value);
    expect(timers).toHaveLength(2);
    for (const timer of timers) expect(ended).toHaveBeenCalledWith(timer);
  });
});
