import { describe, expect, it } from 'vitest';
import { chromeTrace, kernelTimes } from './kernel-times.ts';

const spans = [
  { label: 'copy', startUs: 0, durationUs: 100 },
  { label: 'matmul', startUs: 100, durationUs: 700 },
  { label: 'copy', startUs: 800, durationUs: 200 },
];

describe('profile', () => {
  it('adds up the time of each kernel, longest first', () => {
    expect(kernelTimes(spans)).toEqual([
      { label: 'matmul', count: 1, totalMs: 0.7, share: 0.7 },
      { label: 'copy', count: 2, totalMs: 0.3, share: 0.3 },
    ]);
    expect(kernelTimes([])).toEqual([]);
  });

  it('is a Chrome trace with one complete event a dispatch', () => {
    const { traceEvents } = JSON.parse(chromeTrace(spans));
    expect(traceEvents).toHaveLength(3);
    expect(traceEvents[1]).toMatchObject({ name: 'matmul', ph: 'X', ts: 100, dur: 700 });
  });
});
