import { describe, expect, it } from 'vitest';
import {
  add,
  broadcastTo,
  concat,
  DTypeError,
  linear,
  matmul,
  ones,
  reshape,
  ShapeError,
  scope,
  slice,
  tensor,
  tidy,
  transpose,
  zeros,
} from '../index.ts';
import { testDevice } from '../testing/test-device.ts';

const device = testDevice({ device: 'reference' });

describe('scopes', () => {
  it('free what they own and keep what is returned, nested [reference]', () => {
    const before = device().memory().liveBytes;
    const kept = tidy(() => {
      const a = ones([10]);
      const inner = tidy(() => ({ sum: add(a, a), list: [add(a, 1)], waste: 3 }));
      add(inner.sum, 1);
      return inner;
    });
    expect(kept.sum.isDisposed).toBe(false);
    kept.sum.dispose();
    kept.list[0].dispose();
    expect(device().memory().liveBytes).toBe(before);
  });

  it('free memory when the body throws, and ends inner scopes that were left open [reference]', () => {
    const before = device().memory().liveBytes;
    expect(() =>
      tidy(() => {
        scope();
        ones([100]);
        throw new Error('body');
      }),
    ).toThrow('body');
    expect(device().memory().liveBytes).toBe(before);
  });

  it('a view keeps the memory of a disposed tensor alive [reference]', async () => {
    const a = tensor([1, 2, 3, 4]);
    const b = slice(a, [1], [3]);
    a.dispose();
    expect(Array.from(await b.data())).toEqual([2, 3]);
    expect(() => a.view).toThrow(/must be alive/);
    b.dispose();
  });

  it('operators leave no temporaries behind, in or out of a scope [reference]', () => {
    const x = ones([4, 6]);
    const w = ones([5, 6]);
    const before = device().memory().liveBytes;
    const y = linear(transpose(reshape(transpose(x), [4, 6]), [0, 1]), w);
    y.dispose();
    reshape(transpose(x), [-1]).dispose();
    // transpose() and reshape() results above are handles that nobody holds: only their memory counts.
    expect(device().memory().liveBytes - before).toBeLessThanOrEqual(2 * 24 * 4);
    x.dispose();
    w.dispose();
  });
});

describe('shape errors', () => {
  it.each([
    [
      () => add(ones([2, 3]), ones([2, 4])),
      ShapeError,
      'add: shapes must be equal or broadcast, got [2, 3] and [2, 4]. Axis -1 has 3 and 4.',
    ],
    [
      () => matmul(ones([2, 4]), ones([5, 3])),
      ShapeError,
      'matmul: the inner extents must agree, got [2, 4] and [5, 3]: K=4 and K=5.',
    ],
    [() => reshape(ones([6]), [4, -1]), ShapeError, 'reshape: the new shape must hold 6 values'],
    [() => slice(ones([3]), [2], [5]), ShapeError, 'slice: 0 <= start <= end <= extent must hold in whole numbers'],
    [() => broadcastTo(ones([3]), [4]), ShapeError, 'broadcastTo: [3] must broadcast to [4]'],
    [() => concat([ones([2, 2]), ones([2, 3])], 0), ShapeError, 'concat: tensors must agree'],
    [() => tensor([[1, 2], [3]]), ShapeError, 'tensor: nested arrays must be rectangular [2, 2]'],
    [() => tensor([1, 2], { shape: [3] }), ShapeError, 'tensor: shape [3] needs 3 values, got 2.'],
    [() => zeros([2, -1]), ShapeError, 'zeros: every extent of shape must be a whole number >= 0'],
    [
      () => add(ones([2]), ones([2], { dtype: 'i32' })),
      DTypeError,
      "add: all tensors must have one dtype, got f32 and i32. Use cast(x, 'f32') for the i32 one.",
    ],
  ])('%s', (run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});
