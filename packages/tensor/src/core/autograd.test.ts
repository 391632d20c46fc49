import { describe, expect, it } from 'vitest';
import {
  add,
  allocateGradients,
  asParameter,
  backward,
  checkpoint,
  crossEntropy,
  full,
  linear,
  linearCrossEntropy,
  matmul,
  mul,
  noGrad,
  ones,
  randomNormal,
  scope,
  silu,
  square,
  sum,
  type Tensor,
  tensor,
  tidy,
} from '../index.ts';
import { testDevice } from '../testing/test-device.ts';

const device = testDevice({ device: 'reference' });

const numbers = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data());

describe('autograd', () => {
  it('accumulates gradients of a parameter used twice [reference]', async () => {
    const w = asParameter(tensor([1, 2, 3]));
    tidy(() => backward(sum(add(mul(w, w), w))));
    expect(await numbers(w.grad)).toEqual([3, 5, 7]);
    tidy(() => backward(sum(w)));
    expect(await numbers(w.grad)).toEqual([4, 6, 8]);
    w.dispose();
  });

  it('sums gradients over broadcast axes [reference]', async () => {
    const x = asParameter(ones([2, 3]));
    const b = asParameter(tensor([1, 2, 3]));
    tidy(() => backward(sum(mul(x, b))));
    expect(await numbers(b.grad)).toEqual([2, 2, 2]);
    expect(await numbers(x.grad)).toEqual([1, 2, 3, 1, 2, 3]);
    x.dispose();
    b.dispose();
  });

  it('tells of every contribution to a gradient as it comes, in the middle of the pass [reference]', async () => {
    const [early, late, twice] = [1, 2, 3].map((value) => asParameter(tensor([value])));
    const told: [Tensor, boolean][] = [];
    tidy(() => {
      const first = mul(tensor([5]), early);
      const recomputed = checkpoint((x) => mul(x, twice), [first]);
      const loss = sum(mul(add(recomputed, twice), late));
      const onGradient = (parameter: Tensor) => {
        // The input of a recomputed function is a leaf of its own.
        if ([early, late, twice].includes(parameter)) told.push([parameter, early.grad === null]);
      };
      backward(loss, undefined, { onGradient });
    });
    // `late` is complete before `early` has a gradient; `twice` is used outside of the checkpoint and inside.
    const order = told.map(([parameter]) => [early, late, twice].indexOf(parameter));
    expect(order).toEqual([1, 2, 2, 0]);
    expect(told.map(([, before]) => before)).toEqual([true, true, true, false]);
    expect(await numbers(early.grad)).toEqual([5 * 3 * 2]);
    expect(await numbers(late.grad)).toEqual([5 * 3 + 3]);
    expect(await numbers(twice.grad)).toEqual([2 * 5 + 2]);
    for (const parameter of [early, late, twice]) parameter.dispose();
  });

  it('frees a graph that never runs backward with its tensors [reference]', () => {
    const before = device().memory().liveBytes;
    const w = asParameter(ones([5]));
    tidy(() => {
      let x = mul(w, 2);
      for (let i = 0; i < 2000; i++) x = silu(x);
      return null;
    });
    w.dispose();
    expect(device().memory().liveBytes).toBe(before);
  });

  it('refuses a second backward pass, an unconnected loss and a loss that is not a scalar [reference]', () => {
    using _ = scope();
    const w = asParameter(ones([3]));
    const loss = sum(square(w));
    backward(loss);
    expect(() => backward(loss)).toThrow(/runs backward once/);
    expect(() => backward(sum(ones([2])))).toThrow(/must depend on a parameter/);
    expect(() => backward(square(w))).toThrow(/must have one element, got \[3\]/);
    expect(noGrad(() => square(w)).requiresGrad).toBe(false);
  });

  it('gives the same gradients with and without checkpointing [reference]', async () => {
    const run = async (wrap: (body: (x: Tensor) => Tensor, x: Tensor) => Tensor): Promise<number[][]> => {
      using _ = scope();
      const weights = Array.from({ length: 3 }, (_, i) => asParameter(randomNormal([6, 6], { seed: i + 1, std: 0.4 })));
      let x: Tensor = randomNormal([5, 6], { seed: 77 });
      for (const weight of weights) x = wrap((from) => add(from, silu(linear(from, weight))), x);
      backward(sum(square(x)));
      return Promise.all(weights.map(({ grad }) => numbers(grad)));
    };
    const plain = await run((body, x) => body(x));
    expect(Math.max(...plain[0].map(Math.abs))).toBeGreaterThan(0.01);
    expect(await run((body, x) => checkpoint(body, [x]))).toEqual(plain);
  });

  it('takes gradients to tensors that a checkpointed function uses and is not given [reference]', async () => {
    const run = async (wrap: (body: (x: Tensor) => Tensor, x: Tensor) => Tensor): Promise<number[][]> => {
      using _ = scope();
      const [w, x] = [1, 2].map((seed) => asParameter(randomNormal([4, 4], { seed })));
      // `scale` is used inside and outside; `early` inside alone, at two depths of checkpoints.
      const scale = silu(w);
      const early = square(add(w, scale));
      const inner = (at: Tensor): Tensor => wrap((from) => mul(silu(mul(from, early)), scale), at);
      const out = wrap((from) => mul(inner(mul(from, scale)), early), square(x));
      backward(
        sum(
          mul(
            wrap((from) => mul(from, scale), out),
            scale,
          ),
        ),
      );
      return Promise.all([w, x].map(({ grad }) => numbers(grad)));
    };
    const plain = await run((body, x) => body(x));
    expect(Math.max(...plain[0].map(Math.abs))).toBeGreaterThan(0.01);
    const { liveBytes } = device().memory();
    const checkpointed = await run((body, x) => checkpoint(body, [x]));
    checkpointed.forEach((values, n) => {
      values.forEach((value, i) => expect(value).toBeCloseTo(plain[n][i], 12));
    });
    expect(device().memory().liveBytes).toBe(liveBytes);
  });

  it('linearCrossEntropy in chunks equals crossEntropy of the whole logits [reference]', async () => {
    const results: number[][] = [];
    for (const chunk of [2, 100]) {
      using _ = scope();
      const x = asParameter(randomNormal([7, 4], { seed: 1 }));
      const w = asParameter(randomNormal([11, 4], { seed: 2 }));
      const targets = tensor([0, 10, 3, -100, 5, 5, 1], { dtype: 'i32' });
      const loss =
        chunk < 10
          ? linearCrossEntropy(x, w, targets, { chunk, zLoss: 0.01 })
          : crossEntropy(matmul(x, w, { transposeB: true }), targets, { zLoss: 0.01 });
      backward(mul(loss, full([], 3)));
      results.push([await loss.item(), ...(await numbers(x.grad)), ...(await numbers(w.grad))]);
    }
    results[0].forEach((value, i) => expect(value).toBeCloseTo(results[1][i], 10));
  });
});

describe('gradients in memory that lies ready', () => {
  it('are overwritten by the first backward pass and added to by the next [reference]', async () => {
    const weight = asParameter(tensor([[1, 2, 3]], { device: device() }), 'matrix');
    allocateGradients({ weight });
    const x = tensor([[1, 10, 100]], { device: device() });
    for (let pass = 0; pass < 2; pass++) tidy(() => backward(sum(linear(x, weight))));
    expect(Array.from(await weight.grad!.data())).toEqual([2, 20, 200]);
  });
});
