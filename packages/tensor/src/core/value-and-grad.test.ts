import { describe, expect, it } from 'vitest';
import {
  add,
  asParameter,
  grad,
  matmul,
  mean,
  mul,
  noGrad,
  square,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
} from '../index.ts';
import { testDevice } from '../testing/test-device.ts';

describe.each(['cpu', 'reference'] as const)('valueAndGrad [%s]', (kind) => {
  const device = testDevice({ device: kind });

  it('gives the value and the gradient of a tree, and leaves the inputs alone', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const params = { w: tensor([[1], [2]]), more: { b: tensor([1]), unused: tensor([5, 6]), name: 'kept' } };
    const step = valueAndGrad((p: typeof params, input: typeof x) => mean(square(add(matmul(input, p.w), p.more.b))));
    const before = device().memory().liveBytes;
    const { value, grads } = step(params, x);
    // y = [6, 12]; mean of y^2 = 90; d/dw = x^T y = [6 + 36, 12 + 48]; d/db = sum(y)
    expect(await value.item()).toBe(90);
    expect(await grads.w.array()).toEqual([[42], [60]]);
    expect(await grads.more.b.array()).toEqual([18]);
    expect(await grads.more.unused.array()).toEqual([0, 0]);
    expect(grads.more.name).toBe('kept');
    expect([params.w.grad, params.w.requiresGrad, value.requiresGrad, grads.w.requiresGrad]).toEqual([
      null,
      false,
      false,
      false,
    ]);
    for (const result of [value, grads.w, grads.more.b, grads.more.unused]) result.dispose();
    expect(device().memory().liveBytes).toBe(before);
  });

  it('takes inputs that are parameters, and works within noGrad', async () => {
    const w = asParameter(tensor([2, 3]));
    const gradient = noGrad(() => grad((p: typeof w) => sum(mul(p, square(p))))(w));
    expect(await gradient.array()).toEqual([12, 27]);
    expect([w.grad, w.requiresGrad]).toEqual([null, true]);
  });

  it('refuses a gradient of a gradient, and takes constants of one', async () => {
    const cube = (x: Tensor): Tensor => sum(mul(square(x), x));
    const x = tensor([2]);
    const refused = /gradients of gradients are not computed/;
    expect(() => grad((at: Tensor) => sum(grad(cube)(at)))(x)).toThrow(refused);
    expect(() => grad((at: Tensor) => valueAndGrad(cube)(square(at)).value)(x)).toThrow(refused);
    expect(() => grad((at: Tensor) => sum(grad((one: Tensor) => sum(mul(one, at)))(x)))(x)).toThrow(refused);
    // d/dx of x * 3 x^2 with the second factor held.
    expect(await grad((at: Tensor) => sum(mul(at, grad(cube)(at.detach()))))(x).array()).toEqual([12]);
    expect(await grad(cube)(x).array()).toEqual([12]);
  });

  it('refuses integers and more than one value, by name', () => {
    const ids = tensor([1, 2], { dtype: 'i32' });
    expect(() => grad((p: { ids: typeof ids }) => sum(p.ids))({ ids })).toThrow(
      'grad: tensors of the first argument must be f32 or f16, got i32. Give integers to f as a later argument.',
    );
    expect(() => valueAndGrad((p: typeof ids) => p)(tensor([1, 2]))).toThrow(
      'valueAndGrad: f must give a tensor with one element, got shape [2]. Use sum() or mean() of it.',
    );
  });
});
