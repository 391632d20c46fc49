import { describe, expect, it } from 'vitest';
import { memorySource } from './byte-source.ts';
import { findStep } from './find-step.ts';
import { readRows } from './read-rows.ts';
import { readSeries } from './read-series.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const line = (row: object): string => `${JSON.stringify(row)}\n`;
const EVALUATION_EVERY = 500;
const SPIKE = 54_321;

/** A run of `n` rows: noisy loss, one spike, an evaluation now and then. */
function longRun(n: number): string {
  return Array.from({ length: n }, (_, i) => {
    const step = i + 1;
    const loss = step === SPIKE ? 99 : 2 + 5 / Math.sqrt(step) + 0.1 * Math.sin(i * 12.9898);
    const evaluation = step % EVALUATION_EVERY === 0 ? { heldOutBitsPerByte: 1 + 1 / step } : {};
    return line({ step, loss, learningRate: 3e-4, timeMs: 2, tokens: step * 512, ...evaluation });
  }).join('');
}
const LONG = memorySource(bytes(longRun(100_000)));

describe('readSeries', () => {
  it('keeps every row of a short file as it is', async () => {
    const text = [1, 2, 5].map((step) => line({ step, loss: 1 / step, timeMs: 10 })).join('');
    expect(await readSeries(memorySource(bytes(text)), { points: 10, detail: 'sampled' })).toEqual({
      detail: 'exact',
      rows: 3,
      badLines: 0,
      end: text.length,
      lastStep: 5,
      step: [1, 2, 5],
      elapsedMs: [10, 20, 50],
      fields: { loss: { mean: [1, 0.5, 0.2] }, timeMs: { mean: [10, 10, 10] } },
    });
  });

  it('thins 100,000 rows exactly: counts, means, and the one spike', async () => {
    const series = await readSeries(LONG, { points: 400, detail: 'exact' });
    expect(series).toMatchObject({ detail: 'exact', rows: 100_000, badLines: 0, end: LONG.size });
    expect(series.step.length).toBeGreaterThanOrEqual(400);
    expect(series.step.length).toBeLessThanOrEqual(800);
    expect(Math.max(...(series.fields.loss.high as number[]))).toBe(99);
    expect(series.step.every((step, i) => i === 0 || step > series.step[i - 1])).toBe(true);
    expect(series.elapsedMs.at(-1)! / series.step.at(-1)!).toBeCloseTo(2, 6);
    const evaluations = series.fields.heldOutBitsPerByte.mean.filter((value) => value !== null);
    expect(evaluations.length).toBeGreaterThan(190);
  });

  it('samples 100,000 rows from a tenth of the bytes, the rare rows of evaluations too', async () => {
    let read = 0;
    const counted = {
      size: LONG.size,
      read: (begin: number, end: number) => {
        read += end - begin;
        return LONG.read(begin, end);
      },
    };
    const series = await readSeries(counted, { points: 300, detail: 'sampled' });
    expect(read).toBeLessThan(LONG.size / 6);
    expect(series.detail).toBe('sampled');
    expect(Math.abs(series.rows / 100_000 - 1)).toBeLessThan(0.02);
    expect([series.step[0], series.lastStep, series.end]).toEqual([1, 100_000, LONG.size]);
    expect(Math.abs(series.elapsedMs.at(-1)! / 200_000 - 1)).toBeLessThan(0.01);
    expect(series.fields.heldOutBitsPerByte.mean.filter((value) => value !== null).length).toBeGreaterThan(15);
  });

  it('reads a range of steps exactly, to the last row', async () => {
    const series = await readSeries(LONG, { points: 1000, detail: 'sampled', from: SPIKE - 100, to: SPIKE + 99 });
    expect(series).toMatchObject({ detail: 'exact', rows: 200 });
    expect(series.step).toEqual(Array.from({ length: 200 }, (_, i) => SPIKE - 100 + i));
    expect(series.fields.loss.mean[100]).toBe(99);
  });

  it('leaves out damaged lines, steps that go back and a half-written end, and counts them', async () => {
    const text = `${line({ step: 1, loss: 5 })}not json\n[1]\n${line({ step: 2, loss: 4 })}${line({ step: 2, loss: 9 })}{"loss":1}\n\n{"step":3,"lo`;
    const series = await readSeries(memorySource(bytes(text)), { points: 10, detail: 'exact' });
    expect(series).toMatchObject({ rows: 2, badLines: 4, step: [1, 2], end: text.length - '{"step":3,"lo'.length });
    expect(series.fields.loss.mean).toEqual([5, 4]);
  });

  it('passes over a line without an end, however long', async () => {
    const text = `${line({ step: 1, loss: 5 })}${'x'.repeat(5 << 20)}\n${line({ step: 2, loss: 4 })}`;
    const series = await readSeries(memorySource(bytes(text)), { points: 10, detail: 'exact' });
    expect(series).toMatchObject({ rows: 2, badLines: 1, end: text.length });
  });

  it('reads an empty file, and one of nothing but damage', async () => {
    for (const [text, badLines] of [
      ['', 0],
      ['\0\0\0\n{\n', 2],
    ] as const) {
      const series = await readSeries(memorySource(bytes(text)), { points: 10, detail: 'exact' });
      expect(series).toMatchObject({ rows: 0, badLines, step: [], fields: {} });
    }
  });
});

describe('findStep', () => {
  it('finds a place shortly before every step', async () => {
    for (const step of [1, 2, 777, 50_000, 99_999, 100_000]) {
      const begin = await findStep(LONG, step);
      const { value } = await readRows(LONG, begin).next();
      expect(value!.rows[0].step).toBeLessThanOrEqual(step);
      expect(step - value!.rows[0].step).toBeLessThan(1000);
    }
  });
});
