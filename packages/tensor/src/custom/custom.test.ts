import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asParameter,
  backward,
  cast,
  checkpoint,
  customKernel,
  customOp,
  type Device,
  init,
  mul,
  noGrad,
  ones,
  square,
  sum,
  type Tensor,
  tensor,
  tidy,
} from '../index.ts';
import { checkGradients } from '../testing/check-gradients.ts';
import { refusal } from '../testing/refusal.ts';

const numbers = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data());

const cube = customOp({
  name: 'cube',
  inputs: ['x'],
  forward: ([x]) => mul(square(x), x),
  backward: ({ inputs: [x], gradients: [dOut] }) => [mul(mul(square(x), 3), dOut)],
});

const halve = customKernel({
  name: 'halve',
  inputs: ['x'],
  output: ([x]) => x,
  cpu: ([x], [out]) => out.set(x.map((value) => value / 2)),
});

/** An operator that returns `result` and whose backward returns `gradient`. */
const odd = (gradient: unknown, result: (x: Tensor) => unknown = (x) => mul(x, 2)) =>
  customOp({
    name: 'odd',
    inputs: ['x', 'y'],
    forward: ([x]) => result(x) as Tensor,
    backward: ({ gradients: [dOut] }) =>
      (typeof gradient === 'function' ? gradient(dOut) : gradient) as readonly Tensor[],
  });

describe.each(['reference', 'cpu'] as const)('customOp [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name, threads: 2 });
  });
  afterAll(() => device.destroy());

  it('keeps nothing without a gradient to make, and frees temporaries and what it kept', async () => {
    const x = tensor([1, 2, 3]);
    const w = asParameter(tensor([1, 2, 3]));
    const before = device.memory().liveBytes;
    const one = ones([3]);
    const each = device.memory().liveBytes - before;
    one.dispose();
    for (const run of [() => cube([x]), () => noGrad(() => cube([w]))]) {
      const out = run();
      expect(out.requiresGrad).toBe(false);
      expect(device.memory().liveBytes).toBe(before + each);
      out.dispose();
    }
    const y = cube([w]);
    expect(device.memory().liveBytes).toBe(before + each);
    tidy(() => backward(sum(y)));
    expect(await numbers(w.grad)).toEqual([3, 12, 27]);
    y.dispose();
    w.grad!.dispose();
    w.grad = null;
    expect(device.memory().liveBytes).toBe(before);
    for (const each of [x, w]) each.dispose();
  });

  it('is recomputed inside checkpoint, and its inputs may be gone by then', async () => {
    const w = asParameter(tensor([1, -2]));
    const loss = tidy(() => sum(checkpoint((x) => cube([cube([x])]), [mul(w, 1)])));
    backward(loss);
    expect(await numbers(w.grad)).toEqual([9, 9 * 2 ** 8]);
    for (const each of [loss, w]) each.dispose();
  });

  it('may return its input, one tensor twice, or one that others own, which stays theirs', async () => {
    const [w, mine] = [asParameter(tensor([2, 3])), tensor([5, 7])];
    const first = odd(
      (dOut: Tensor) => [dOut, dOut],
      (x) => x,
    )([w, w]);
    expect(first).not.toBe(w);
    tidy(() => backward(sum(first)));
    expect(await numbers(w.grad)).toEqual([2, 2]);
    const twice = customOp({
      name: 'twice',
      inputs: ['x'],
      forward: ([x]) => [x, x],
      backward: ({ gradients: [a, b] }) => [mul(a, b)],
    })([w]);
    tidy(() => backward(sum(mul(twice[0], twice[1]))));
    // d/da = 3, d/db = 2 for (2, 3): both are the input, so 2 * 2 and 3 * 3, plus the 2 of before.
    expect(await numbers(w.grad)).toEqual([6, 11]);
    const lent = odd(
      () => [mine, null],
      () => mine,
    )([w, w]);
    tidy(() => backward(sum(lent)));
    expect(await numbers(mine)).toEqual([5, 7]);
    expect(await numbers(w.grad)).toEqual([11, 18]);
    for (const each of [first, ...twice, lent, w, mine]) each.dispose();
  });

  it('takes integer inputs, which get no gradient, and gives integer results', async () => {
    const pick = customOp({
      name: 'pick',
      inputs: ['x', 'mask'],
      forward: ([x, mask]) => [mul(x, cast(mask, 'f32')), mask],
      backward: ({ inputs: [, mask], gradients: [dOut], needs }) => {
        expect(needs).toEqual([true, false]);
        return [mul(dOut, cast(mask, 'f32')), null];
      },
    });
    const [w, mask] = [asParameter(tensor([2, 3])), tensor([0, 1], { dtype: 'i32' })];
    const [out, kept] = pick([w, mask]);
    expect(await numbers(kept)).toEqual([0, 1]);
    tidy(() => backward(sum(out)));
    expect(await numbers(w.grad)).toEqual([0, 1]);
    for (const each of [out, kept, w, mask]) each.dispose();
  });

  it('refuses a backward function that returns anything but one gradient, or null, for each input', () => {
    const run = (gradient: unknown): void => {
      const w = asParameter(tensor([2, 3]));
      const out = odd(gradient)([w, w]);
      try {
        tidy(() => backward(sum(out)));
      } finally {
        for (const each of [out, w]) each.dispose();
      }
    };
    const half = tensor([1, 1], { dtype: 'f16' });
    const faults: [unknown, RegExp][] = [
      [undefined, /AutogradError: odd: backward must return a list .* for each of x, y, got undefined/],
      [(dOut: Tensor) => [dOut], /AutogradError: odd: .* got 1 results/],
      [(dOut: Tensor) => dOut, /AutogradError: odd: .* got Tensor/],
      [(dOut: Tensor) => [dOut, undefined], /AutogradError: odd: the gradient of y must be a tensor, or null/],
      [(dOut: Tensor) => [dOut, 1], /odd: the gradient of y must be a tensor, got 1/],
      [(dOut: Tensor) => [sum(dOut), null], /ShapeError: odd: the gradient of x must be \[2\], got \[\]/],
      [() => [half, null], /DTypeError: odd: the gradient of x must be f32, got f16/],
      [async () => [null, null], /ConfigError: odd: the body must be synchronous/],
    ];
    for (const [gradient, message] of faults) expect(refusal(() => run(gradient))).toMatch(message);
    half.dispose();
  });

  it('refuses wrong definitions, wrong calls and wrong results by name', () => {
    const w = tensor([2, 3]);
    const forward = () => w;
    const make = (definition: object) => () =>
      customOp({ inputs: ['x'], forward, backward: () => [], ...definition } as never);
    expect(refusal(make({}))).toMatch(/ConfigError: customOp: name must be given/);
    expect(refusal(make({ name: 'f', inputs: [] }))).toMatch(/customOp: inputs must be a list of one name or more/);
    expect(refusal(make({ name: 'f', inputs: ['x', 'x'] }))).toMatch(/none twice/);
    expect(refusal(make({ name: 'f', keeps: ['all'] }))).toMatch(
      /customOp: keeps must be a list of inputs and outputs/,
    );
    expect(refusal(make({ name: 'f', gradient: forward }))).toMatch(/customOp: unknown option gradient/);
    expect(refusal(() => cube([]))).toMatch(/ShapeError: cube: inputs must be a list of one tensor or more/);
    expect(refusal(() => cube([w, w]))).toMatch(/ConfigError: cube: the number of inputs must be 1 \(x\), got 2/);
    expect(refusal(() => odd([], () => 1)([w, w]))).toMatch(/odd: the result of forward must be a tensor, got 1/);
    expect(refusal(() => odd([], () => [])([w, w]))).toMatch(/ConfigError: odd: forward must return a tensor/);
    expect(refusal(() => odd([], async () => w)([w, w]))).toMatch(/ConfigError: odd: the body must be synchronous/);
    w.dispose();
  });

  it('runs a kernel of the host on copies, poisons what it does not write and leaves nothing behind', async () => {
    const x = tensor([1, 2, 3], { dtype: 'f16' });
    const ids = tensor([1, 2], { dtype: 'u32' });
    const { liveBytes } = device.memory();
    const greedy = customKernel({
      name: 'greedy',
      inputs: ['x', 'ids'],
      output: ([x, ids]) => [x, { shape: [3], dtype: 'u32' }, ids],
      cpu: ([x, ids], [first, second, third]) => {
        first[0] = x[0] + 1 / 3;
        second[1] = 2 ** 32 - 1;
        third.set(ids);
        x.fill(9);
        // Memory may grow meanwhile.
        ones([2 ** 20]).dispose();
      },
    });
    const outs = greedy([x, ids]);
    const values = await Promise.all(outs.map(numbers));
    expect(values[0][0]).toBeCloseTo(4 / 3, 3);
    expect(values[0].slice(1)).toEqual([Number.NaN, Number.NaN]);
    expect(values.slice(1)).toEqual([
      [0, 2 ** 32 - 1, 0],
      [1, 2],
    ]);
    expect(await numbers(x)).toEqual([1, 2, 3]);
    for (const out of outs) out.dispose();
    expect(device.memory().liveBytes).toBe(liveBytes);
    for (const each of [x, ids]) each.dispose();
  });

  it('refuses a kernel while a graph is recorded, without code for the device, with a wrong output', () => {
    const w = asParameter(tensor([2, 3]));
    expect(refusal(() => halve([w]))).toMatch(
      /AutogradError: halve: a kernel has no gradient.* got x that does.* customOp/,
    );
    noGrad(() => halve([w])).dispose();
    const wgsl = (() => ({ shader: '', workgroups: [1, 1, 1] })) as never;
    const kernel = (output: unknown, code: object) => () =>
      customKernel({ name: 'k', inputs: ['x'], output: (() => output) as never, ...code })([w.detach()]);
    const cpu = () => {};
    const spec = { shape: [2], dtype: 'f32' };
    tidy(() => {
      expect(refusal(kernel(spec, {}))).toMatch(/ConfigError: customKernel: k must have cpu, wgsl or both/);
      expect(refusal(kernel(spec, { wgsl }))).toMatch(
        /KernelError: k: the kernel must have cpu to run on .*, got wgsl only/,
      );
      expect(refusal(kernel([], { cpu }))).toMatch(/ConfigError: k: output must give the shape and dtype/);
      expect(refusal(kernel({ shape: [0.5], dtype: 'f32' }, { cpu }))).toMatch(/ShapeError: k: every extent/);
      expect(refusal(kernel({ shape: [2], dtype: 'f64' }, { cpu }))).toMatch(/ConfigError: k: the dtype of output 0/);
      expect(refusal(kernel(undefined, { cpu }))).toMatch(/ShapeError: k: the shape of output 0/);
      expect(refusal(kernel(spec, { cpu: async () => {} }))).toMatch(/ConfigError: k: the body must be synchronous/);
    });
    w.dispose();
  });

  it('checkGradients passes a right gradient and names the figures of a wrong one', async () => {
    const [x, half] = [tensor([0.5, -1, 2]), tensor([0.5, -1, 2], { dtype: 'f16' })];
    expect((await checkGradients((a) => cube([a]), [x])).centralDifferenceError).toBeLessThan(1e-8);
    expect((await checkGradients((a) => cube([a]), [half])).passed).toBe(true);
    const wrong = customOp({
      name: 'wrong',
      inputs: ['x'],
      forward: ([a]) => mul(square(a), a),
      backward: ({ inputs: [a], gradients: [dOut] }) => [mul(mul(square(a), 2.999), dOut)],
    });
    expect(await checkGradients((a) => wrong([a]), [x]).catch(String)).toMatch(/AutogradError.*central differences/);
    const forgotten = odd(() => [null, null]);
    expect(await checkGradients((a, b) => forgotten([a, b]), [x, x]).catch(String)).toMatch(/central differences/);
    for (const each of [x, half]) each.dispose();
  });
});
