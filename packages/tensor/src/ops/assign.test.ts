import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asParameter,
  assign,
  backward,
  broadcastTo,
  checkpoint,
  type Device,
  init,
  mul,
  noGrad,
  reshape,
  slice,
  square,
  sum,
  type Tensor,
  tensor,
  tidy,
  transpose,
} from '../index.ts';
import { refusal } from '../testing/refusal.ts';

const numbers = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data());

describe.each(['reference', 'cpu'] as const)('assign [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name, threads: 2 });
  });
  afterAll(() => device.destroy());

  it('writes tensors, typed arrays and numbers, which views see, in any layout and dtype', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const columns = transpose(x);
    expect(assign(columns, tensor([7, 8]))).toBe(columns);
    expect(await numbers(x)).toEqual([7, 7, 7, 8, 8, 8]);
    assign(slice(x, [0, 1], [2, 3]), Float32Array.of(1, 2, 3, 4));
    expect(await numbers(x)).toEqual([7, 1, 2, 8, 3, 4]);
    assign(slice(columns, [1], [2]), -1);
    expect(await numbers(x)).toEqual([7, -1, 2, 8, -1, 4]);
    assign(x, tensor([[1, -1, 3]], { dtype: 'i32' }));
    expect(await numbers(x)).toEqual([1, -1, 3, 1, -1, 3]);
    const half = tensor([0, 0], { dtype: 'f16' });
    assign(half, Float64Array.of(1 + 2 ** -11, 2));
    // Ties go to even on devices that keep f16; the reference keeps f64.
    expect(await numbers(half)).toEqual([name === 'cpu' ? 1 : 1 + 2 ** -11, 2]);
    const ids = tensor([1, 2], { dtype: 'u32' });
    assign(ids, Uint32Array.of(2 ** 32 - 1, 0));
    expect(await numbers(ids)).toEqual([2 ** 32 - 1, 0]);
    for (const each of [x, columns, half, ids]) each.dispose();
  });

  it('reads a view of the target as it was before, and leaves no memory', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const { liveBytes } = device.memory();
    tidy(() => assign(x, transpose(x)));
    expect(await numbers(x)).toEqual([1, 3, 2, 4]);
    tidy(() => assign(slice(x, [1], [2]), slice(x, [0], [1])));
    expect(await numbers(x)).toEqual([1, 3, 1, 3]);
    tidy(() => {
      const line = reshape(x, [4]);
      assign(slice(line, [1], [4]), slice(line, [0], [3]));
      assign(x, x);
    });
    expect(await numbers(x)).toEqual([1, 1, 3, 1]);
    expect(device.memory().liveBytes).toBe(liveBytes);
    x.dispose();
  });

  it('is refused on what a recorded graph still needs, and allowed once it is gone', async () => {
    const [w, x] = [asParameter(tensor([1, 2])), tensor([3, 4])];
    const needed = /AutogradError: assign: a recorded graph still needs the values of target/;
    const loss = tidy(() => sum(square(mul(w, x))));
    const views = [w, x, w.detach(), slice(x, [1], [2])];
    for (const target of views) expect(refusal(() => assign(target, 0))).toMatch(needed);
    expect(refusal(() => noGrad(() => assign(w, 0)))).toMatch(needed);
    expect(refusal(() => assign(loss, 0))).toMatch(/AutogradError: assign: target must not be the result/);
    backward(loss);
    expect(await numbers(w.grad)).toEqual([18, 64]);
    for (const target of views) assign(target, 5);
    expect(await numbers(w)).toEqual([5, 5]);
    const dropped = tidy(() => sum(mul(w, x)));
    dropped.dispose();
    assign(w, x);
    const unrecorded = noGrad(() => mul(w, x));
    assign(x, 1);
    const inside = checkpoint((a) => mul(a, a), [w]);
    expect(refusal(() => assign(w, 0))).toMatch(needed);
    for (const each of [loss, unrecorded, inside, ...views]) each.dispose();
  });

  it('does not refuse a neighbour in the same memory', async () => {
    const both = tensor([1, 2, 3, 4]);
    const [left, right] = [slice(both, [0], [2]), slice(both, [2], [4])];
    const w = asParameter(tensor([1, 1]));
    const loss = tidy(() => sum(mul(w, left)));
    assign(right, 0);
    expect(refusal(() => assign(both, 0))).toMatch(/still needs/);
    backward(loss);
    expect(await numbers(w.grad)).toEqual([1, 2]);
    for (const each of [both, left, right, w, loss]) each.dispose();
  });

  it('refuses values with a gradient while recording, wrong sizes and dtypes, and repeated elements', () => {
    const [w, x] = [asParameter(tensor([1, 2])), tensor([3, 4])];
    expect(refusal(() => assign(x, w))).toMatch(/AutogradError: assign: values must not require a gradient/);
    noGrad(() => assign(x, w));
    assign(x, w.detach());
    expect(refusal(() => assign(x, tensor([1, 2, 3])))).toMatch(/ShapeError/);
    expect(refusal(() => assign(x, new Float32Array(3)))).toMatch(/ShapeError: assign: values must be 2 numbers/);
    expect(refusal(() => assign(tensor([1], { dtype: 'i32' }), 0.5))).toMatch(/DTypeError: assign/);
    expect(refusal(() => assign(tensor([1], { dtype: 'i32' }), Float32Array.of(0.5)))).toMatch(/DTypeError: assign/);
    expect(refusal(() => assign(broadcastTo(x, [3, 2]), 1))).toMatch(/ShapeError: assign: target must not repeat/);
    expect(refusal(() => assign(x, [1, 2] as never))).toMatch(/ConfigError: assign: values must be/);
    for (const each of [w, x]) each.dispose();
  });
});
