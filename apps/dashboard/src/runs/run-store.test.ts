import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RunSeries } from '../series/run-series.ts';
import { RunStore } from './run-store.ts';
import type { ServedRows, ServedRun } from './served-runs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const news = (bytes: number) => {
  const entry: ServedRun = { run: 'live', bytes, generation: 'g', modifiedAt: 0 };
  return { isWhole: false, changed: [entry], removed: [] };
};
const series = (end: number, detail: RunSeries['detail']) => {
  const base: RunSeries = { detail, rows: 1, badLines: 0, end, lastStep: end, step: [end], elapsedMs: [0], fields: {} };
  return new Response(`${JSON.stringify({ run: 'live', generation: 'g', ...base })}\n`);
};
const rows = (end: number, steps: readonly number[]) => {
  const answer: ServedRows = {
    generation: 'g',
    reset: false,
    end,
    badLines: 0,
    rows: steps.map((step) => ({ step })) as ServedRows['rows'],
  };
  return new Response(JSON.stringify(answer));
};
const lastStep = (store: RunStore) => store.runs.get('live')?.series?.lastStep;

/** Answers held back until the test lets them go, by a part of their address. */
function heldFetch(answers: Readonly<Record<string, () => Response | Promise<Response>>>): void {
  vi.stubGlobal('fetch', async (url: string) => {
    const [, answer] = Object.entries(answers).find(([part]) => url.includes(part))!;
    return answer();
  });
}

describe('RunStore', () => {
  it('keeps rows that came while whole curves were read from an earlier state of the file', async () => {
    vi.useFakeTimers();
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let exact = 0;
    heldFetch({
      'detail=sampled': () => series(20, 'sampled'),
      // The first look was read before step 30 was written and arrives after it.
      'detail=exact': async () => (exact++ === 0 ? held.then(() => series(20, 'exact')) : series(30, 'exact')),
      'api/rows': () => rows(30, [30]),
    });
    const store = new RunStore(() => {});
    store.take(news(20));
    await vi.advanceTimersByTimeAsync(1500);
    store.take(news(30));
    await vi.advanceTimersByTimeAsync(10);
    expect(lastStep(store)).toBe(30);
    letGo();
    await vi.advanceTimersByTimeAsync(10);
    expect([lastStep(store), store.runs.get('live')!.series!.detail]).toEqual([30, 'exact']);
    store.close();
  });

  it('takes the shorter curves of a file that was cut', async () => {
    vi.useFakeTimers();
    let end = 40;
    heldFetch({ 'detail=': () => series(end, 'sampled') });
    const store = new RunStore(() => {});
    store.take(news(40));
    await vi.advanceTimersByTimeAsync(10);
    end = 12;
    store.take(news(12));
    await vi.advanceTimersByTimeAsync(10);
    expect(lastStep(store)).toBe(12);
    store.close();
  });

  it('asks again when news came while half a line was all that there was', async () => {
    vi.useFakeTimers();
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let asked = 0;
    heldFetch({
      'detail=': () => series(30, 'exact'),
      'api/rows': async () => (asked++ === 0 ? held.then(() => rows(30, [])) : rows(31, [31])),
    });
    const store = new RunStore(() => {});
    store.take(news(30));
    await vi.advanceTimersByTimeAsync(10);
    store.take(news(30.5));
    await vi.advanceTimersByTimeAsync(10);
    store.take(news(31));
    letGo();
    await vi.advanceTimersByTimeAsync(10);
    expect(lastStep(store)).toBe(31);
    store.close();
  });
});
