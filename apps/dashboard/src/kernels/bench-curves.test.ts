import type { BenchResult, BenchRow } from '@modajs/bench';
import { describe, expect, it } from 'vitest';
import { rooflineCurves } from './bench-curves.ts';
import type { BenchSource } from './bench-source.ts';

const row = (flops: number, bytes: number, tflops: number) =>
  ({ preset: 'matmul', flops, bytes, tflops }) as unknown as BenchRow;

function source(copyBytesPerSecond: number | null, flopsPerSecond: number): BenchSource {
  const ceilings = { copyBytesPerSecond, flopsPerSecond: { f32: { value: flopsPerSecond } } };
  return {
    id: '',
    label: 'here',
    origin: '',
    isOwn: true,
    colour: 0,
    result: { ceilings } as unknown as BenchResult,
    rows: [row(1e9, 1e8, 0.5), row(2e9, 1e8, 0.8)],
  };
}

const labels = (copy: number | null, flops: number) =>
  rooflineCurves([source(copy, flops)], 'matmul', () => '#000').map(({ label }) => label);

describe('rooflineCurves', () => {
  it('has a roof over its dots, with the ridge where memory and arithmetic take as long', () => {
    const [roof, dots] = rooflineCurves([source(1e11, 2e12)], 'matmul', () => '#000');
    expect(roof).toMatchObject({ label: 'here: limit, f32', x: [5, 20, 40], y: [0.5, 2, 2] });
    expect(dots).toMatchObject({ label: 'here', x: [10, 20], y: [0.5, 0.8] });
  });

  it('has no roof where a clock that did not move measured an infinite limit', () => {
    expect(labels(1e11, Infinity)).toEqual(['here']);
    expect(labels(Infinity, 2e12)).toEqual(['here']);
    expect(labels(Infinity, Infinity)).toEqual(['here']);
    expect(labels(null, 2e12)).toEqual(['here']);
  });
});
