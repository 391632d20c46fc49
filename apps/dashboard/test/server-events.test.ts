import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventStream } from './event-stream.ts';
import { metricsText, servedFolder, writeRun } from './served-folder.ts';

let served: Awaited<ReturnType<typeof servedFolder>>;
beforeEach(async () => {
  served = await servedFolder();
  writeRun(served.runs, 'tiny', 5);
});
afterEach(() => served.close());

const grow = (run: string, from: number, to: number): void =>
  appendFileSync(join(served.runs, run, 'metrics.jsonl'), metricsText(from, to));

describe('moda dashboard > events', () => {
  it('tells all runs first, then what grows, appears and goes', async () => {
    const stream = await EventStream.open(served.url);
    const first = await stream.next();
    expect(first.data).toMatchObject({ isWhole: true, changed: [{ run: 'tiny', bytes: metricsText(1, 5).length }] });
    expect(stream.retry).toBe('1000');
    grow('tiny', 6, 8);
    expect((await stream.next()).data).toMatchObject({
      isWhole: false,
      changed: [{ run: 'tiny', bytes: metricsText(1, 8).length }],
      removed: [],
    });
    writeRun(served.runs, 'second', 1);
    let told = await stream.next();
    // A look may fall between the folder's two files.
    if (told.data.changed[0].bytes === null || told.data.changed[0].bytes === 0) told = await stream.next();
    expect(told.data).toMatchObject({ changed: [{ run: 'second' }] });
    rmSync(join(served.runs, 'tiny'), { recursive: true });
    expect((await stream.next()).data.removed).toEqual(['tiny']);
    stream.close();
  });

  it('tells a page that comes back what it missed, by Last-Event-ID', async () => {
    writeRun(served.runs, 'second', 1);
    const stream = await EventStream.open(served.url);
    const { id } = await stream.next();
    stream.close();
    grow('tiny', 6, 6);
    rmSync(join(served.runs, 'second'), { recursive: true });
    const again = await EventStream.open(served.url, id);
    expect((await again.next()).data).toMatchObject({
      isWhole: false,
      changed: [{ run: 'tiny' }],
      removed: ['second'],
    });
    again.close();
  });

  it('tells everything to who comes with an id of another server, or none that it gave', async () => {
    for (const id of ['other-3', '', 'x', '999999']) {
      const stream = await EventStream.open(served.url, id);
      expect((await stream.next()).data).toMatchObject({ isWhole: true, changed: [{ run: 'tiny' }] });
      stream.close();
    }
  });

  it('answers HEAD with the headers alone', async () => {
    const answer = await fetch(`${served.url}api/events`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(await answer.text()).toBe('');
  });

  it('serves many followers, and closes with them open', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => EventStream.open(served.url)));
    await Promise.all(streams.map((stream) => stream.next()));
    grow('tiny', 6, 6);
    const told = await Promise.all(streams.map((stream) => stream.next()));
    expect(told.every(({ data }) => data.changed[0].run === 'tiny')).toBe(true);
  });
});
