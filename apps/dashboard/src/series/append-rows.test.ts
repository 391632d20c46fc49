import { describe, expect, it } from 'vitest';
import { appendRows } from './append-rows.ts';
import { memorySource } from './byte-source.ts';
import { readSeries } from './read-series.ts';
import { fieldOf } from './run-series.ts';

const rows = Array.from({ length: 9 }, (_, i) => ({
  step: 2 * i + 1,
  loss: 0.5 ** i,
  timeMs: 5,
  ...(i % 4 === 3 ? { heldOutLoss: i } : {}),
}));
const text = (some: readonly object[]): Uint8Array =>
  new TextEncoder().encode(some.map((row) => `${JSON.stringify(row)}\n`).join(''));
const request = { points: 100, detail: 'exact' } as const;

describe('appendRows', () => {
  it('gives what reading all would have given', async () => {
    const whole = await readSeries(memorySource(text(rows)), request);
    const before = await readSeries(memorySource(text(rows.slice(0, 2))), request);
    expect(appendRows(before, { rows: rows.slice(2), end: whole.end, badLines: 0 })).toEqual(whole);
  });

  it('starts from nothing, and leaves out steps that go back', async () => {
    const none = await readSeries(memorySource(text([])), request);
    const again = appendRows(none, { rows: [rows[0], rows[1], rows[0]], end: 9, badLines: 1 });
    expect(again).toMatchObject({ rows: 2, badLines: 2, step: [1, 3], end: 9 });
  });

  it.each(['toString', '__proto__', 'constructor'])('takes a field named %s that came late', async (name) => {
    const odd = JSON.parse(`{ "step": 2, ${JSON.stringify(name)}: 7 }`);
    const before = await readSeries(memorySource(text([rows[0]])), request);
    const after = appendRows(before, { rows: [odd], end: 9, badLines: 0 });
    expect(fieldOf(after, name)).toEqual({ mean: [null, 7] });
    expect(fieldOf(before, name)).toBeUndefined();
    expect(fieldOf(JSON.parse(JSON.stringify(after)), name)).toEqual({ mean: [null, 7] });
  });
});
