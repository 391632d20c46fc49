import { describe, expect, it } from 'vitest';
import {
  AdamW,
  add,
  allocateGradients,
  asParameter,
  assign,
  backward,
  cast,
  checkpoint,
  crossEntropy,
  customOp,
  full,
  linear,
  linearCrossEntropy,
  matmul,
  mul,
  noGrad,
  ones,
  ParameterCopies,
  packedZeros,
  randomNormal,
  scope,
  silu,
  split,
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

  it('leaves a tensor that a checkpointed function returns where it is in the graph [reference]', async () => {
    using _ = scope();
    const [w, x] = [asParameter(tensor([1, 2])), asParameter(tensor([3, 4]))];
    const y = square(w);
    const [computed, given, bare] = [checkpoint(() => y, [x]), checkpoint((at) => at, [y]), checkpoint(() => w, [x])];
    backward(sum(add(add(mul(computed, given), y), bare)));
    // d/dw of w^4 + w^2 + w
    expect(await numbers(w.grad)).toEqual([4 + 2 + 1, 32 + 4 + 1]);
  });

  it('refuses values that were written between the two passes, in checkpoints too [reference]', async () => {
    using _ = scope();
    const [w, x, other] = [
      [2, 3],
      [1, 1],
      [5, 5],
    ].map((values) => asParameter(tensor(values)));
    const optimizer = new AdamW({ w }, { lr: 0.1 });
    const neighbour = new AdamW({ other }, { lr: 0.1 });
    const copies = new ParameterCopies({ w }, 'f16');
    copies.refresh();
    const step = (): void => {
      for (const each of [w, other]) each.grad = ones([2]);
      optimizer.step();
    };
    const losses = {
      plain: () => sum(mul(x, w)),
      checkpointed: () => sum(square(checkpoint((at) => silu(add(at, w)), [x]))),
      nested: () => sum(checkpoint((at) => silu(checkpoint((from) => mul(from, w), [at])), [x])),
    };
    for (const [name, loss] of Object.entries(losses)) {
      const stale = loss();
      step();
      expect(() => backward(stale), name).toThrow(/written in place since/);
      const fresh = loss();
      neighbour.step();
      backward(fresh);
    }
    const ofCopy = sum(mul(cast(x, 'f16'), copies.get('w')));
    copies.refresh();
    expect(() => backward(ofCopy)).toThrow(/written in place since/);
    const ofGoodCopy = sum(mul(cast(x, 'f16'), copies.get('w')));
    copies.refresh();
    backward(ofGoodCopy);
    const ofGradient = sum(mul(x, w.grad!));
    backward(sum(w));
    expect(() => backward(ofGradient)).toThrow(/written in place since/);
    const buffer = full([2], 7);
    const ofBuffer = checkpoint((at) => add(at, assign(full([2], 1), 2)), [add(x, buffer)]);
    backward(sum(ofBuffer));
    const late = sum(square(checkpoint((at) => add(at, buffer), [x])));
    assign(buffer, 8);
    expect(() => backward(late)).toThrow(/checkpoint: .* written in place since/);
  });

  it('leaves no memory behind when an operator throws in a backward pass [reference]', () => {
    const broken = customOp({
      name: 'broken',
      inputs: ['x'],
      forward: ([x]) => square(x),
      backward: () => {
        throw new Error('broken');
      },
    });
    const w = asParameter(tensor([1, 2]));
    const { liveBytes } = device().memory();
    tidy(() => {
      const h = square(w);
      const loss = add(sum(silu(broken([h]))), sum(mul(silu(h), h)));
      expect(() => backward(loss)).toThrow('broken');
    });
    expect(device().memory().liveBytes).toBe(liveBytes);
    w.dispose();
  });

  it('keeps the sizes that split and packedZeros were called with [reference]', async () => {
    using _ = scope();
    const x = asParameter(tensor([1, 2, 3, 4, 5]));
    const sizes = [2, 3];
    const [first, rest] = split(x, sizes, 0);
    const [packed] = packedZeros(device(), [sizes], 'f32');
    sizes.splice(0, 2, 1, 4);
    backward(add(sum(square(first)), sum(rest)));
    expect(await numbers(x.grad)).toEqual([2, 4, 1, 1, 1]);
    expect(packed.shape).toEqual([2, 3]);
    packed.dispose();
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
