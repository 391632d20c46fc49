import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  argsort,
  asParameter,
  backward,
  type Device,
  init,
  mul,
  multinomial,
  randomUniform,
  scatterAdd,
  sort,
  sum,
  takeAlong,
  tensor,
  topk,
  zeros,
} from '../index.ts';

describe.each(['reference', 'cpu'] as const)('sorting and drawing [%s]', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: kind });
  });
  afterAll(() => device.destroy());

  it('sort, argsort and topk keep equal elements in order and put NaN last, first when descending', async () => {
    const x = tensor([2, Number.NaN, 1, 2, -0, 0], { device });
    expect(await argsort(x).array()).toEqual([4, 5, 2, 0, 3, 1]);
    expect(await argsort(x, 0, { descending: true }).array()).toEqual([1, 0, 3, 2, 4, 5]);
    const { values, indices } = topk(x, 3);
    expect(await values.array()).toEqual([Number.NaN, 2, 2]);
    expect(await indices.array()).toEqual([1, 0, 3]);
    expect(await takeAlong(x, argsort(x), -1).array()).toEqual(await sort(x).values.array());
    expect((await topk(x, 0).values.data()).length).toBe(0);
    expect(await argsort(zeros([2, 0], { device })).array()).toEqual([[], []]);
  });

  it('the gradients of sort and topk go back to where the values stood, along any axis', async () => {
    const rows = [
      [3, 1, 2],
      [4, 6, 5],
    ];
    const weights = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device },
    );
    const x = asParameter(tensor(rows, { device }));
    backward(sum(mul(sort(x, 1).values, weights)));
    expect(await x.grad!.array()).toEqual([
      [3, 1, 2],
      [4, 6, 5],
    ]);
    const y = asParameter(tensor(rows, { device }));
    backward(sum(mul(topk(y, 1, 0).values, tensor([[1, 2, 3]], { device }))));
    expect(await y.grad!.array()).toEqual([
      [0, 0, 0],
      [1, 2, 3],
    ]);
  });

  it('scatterAdd counts: a histogram of i32', async () => {
    const bins = zeros([4], { dtype: 'i32', device });
    const ids = tensor([0, 3, 3, -1, 1, 3, 9], { dtype: 'i32', device });
    const ones = tensor([1, 1, 1, 1, 1, 1, 1], { dtype: 'i32', device });
    expect(await scatterAdd(bins, 0, ids, ones).array()).toEqual([1, 1, 0, 4]);
  });

  it('randomUniform draws between its bounds, from the draws of [0, 1)', async () => {
    const unit = await randomUniform([1009], { seed: 5, device }).data();
    const wide = await randomUniform([1009], { seed: 5, device, min: -3, max: 5 }).data();
    wide.forEach((x, i) => expect(x).toBe(Math.fround(unit[i] * 8 - 3)));
    expect(Math.min(...wide)).toBeLessThan(-2.9);
    expect(Math.max(...wide)).toBeGreaterThan(4.9);
  });

  it('multinomial draws in proportion, never an item of weight 0', async () => {
    const weights = [0, 1, 0, 3, 4, 0];
    const drawn = (await multinomial(tensor(weights, { device }), 4000, {
      seed: 7,
      replacement: true,
    }).data()) as Int32Array;
    const counts = weights.map((_, item) => drawn.filter((i) => i === item).length);
    // Four standard deviations of 4,000 draws: at most 4 sqrt(4000 / 4) = 127.
    weights.forEach((weight, item) =>
      expect(Math.abs(counts[item] - 500 * weight)).toBeLessThan(weight === 0 ? 1 : 127),
    );
  });

  it('multinomial without replacement draws each item at most once, the first in proportion', async () => {
    const rows = Array.from({ length: 2000 }, () => [1, 3, 0, 4]);
    const drawn = (await multinomial(tensor(rows, { device }), 3, { seed: 11 }).array()) as number[][];
    for (const row of drawn) expect([...row].sort()).toEqual([0, 1, 3]);
    const first = [0, 1, 3].map((item) => drawn.filter(([i]) => i === item).length);
    [1, 3, 4].forEach((weight, i) => expect(Math.abs(first[i] - 250 * weight)).toBeLessThan(90));
  });

  it('multinomial answers -1 where there is nothing to draw', async () => {
    const rows = [
      [0, 0, 0],
      [1, -1, 1],
      [1, Number.NaN, 1],
      [1, Infinity, 1],
      [0, 2, 0],
    ];
    const probs = tensor(rows, { device });
    expect(await multinomial(probs, 2, { seed: 1 }).array()).toEqual([
      [-1, -1],
      [-1, -1],
      [-1, -1],
      [-1, -1],
      [1, -1],
    ]);
    expect(await multinomial(probs, 2, { seed: 1, replacement: true }).array()).toEqual([
      [-1, -1],
      [-1, -1],
      [-1, -1],
      [-1, -1],
      [1, 1],
    ]);
  });

  it('a list that is out of range and too many draws are refused', () => {
    expect(() => topk(tensor([1, 2], { device }), 3)).toThrow(/topk: k must be at most 2, the size of axis 0, got 3/);
    expect(() => scatterAdd(zeros([2]), 0, [2], tensor([1]))).toThrow(/axis 0 .*size 2 .*got 2/);
    expect(() => multinomial(tensor([1, 2], { device }), 3, { seed: 1 })).toThrow(/3 items or more/);
  });
});
