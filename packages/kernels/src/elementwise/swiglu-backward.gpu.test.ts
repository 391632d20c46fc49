import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, expectClose, hostNumbers, ROUNDS } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planSwigluBackward } from './swiglu-backward.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const silu = (x: number): number => (x === Number.NEGATIVE_INFINITY ? 0 : x * sigmoid(x));
const siluSlope = (x: number): number => sigmoid(x) * (1 + x * (1 - sigmoid(x)));

const at = (offset: number, ...strides: number[]) => ({ strides, offset });
const WHOLE = { shape: [86, 12], gate: at(0, 12, 1), up: at(0, 12, 1), dOut: at(0, 12, 1), dGate: 0, dUp: 0 };

describe('swiglu backward', () => {
  it.each([
    { name: 'whole tensors', kind: ' vec4', ...WHOLE },
    { name: 'halves of one product', kind: ' vec4', ...WHOLE, gate: at(0, 24, 1), up: at(12, 24, 1), dGate: 4, dUp: 8 },
    { name: 'a broadcast row', kind: ' vec4', ...WHOLE, up: at(4, 0, 1) },
    { name: 'a transpose', kind: '', ...WHOLE, gate: at(0, 1, 86) },
    { name: 'an odd start', kind: '', ...WHOLE, dUp: 3 },
    { name: 'an odd size', kind: '', ...WHOLE, shape: [257], gate: at(0, 2), up: at(1, 1), dOut: at(5, 1), dGate: 2 },
  ])('of $name equals f64, f32 and f16, twice the same [webgpu]', async (layout) => {
    const { shape, gate, up, dOut, dGate, dUp, kind } = layout;
    const size = shape.reduce((product, extent) => product * extent, 1);
    for (const dtype of dtypesOf(gpu)) {
      const views = [gate, up, dOut];
      const raw = views.map((_, i) => randomArray(86 * 24, 31 + i).map((x) => ROUNDS[dtype](5 * x)));
      // Far out, where exp overflows or vanishes.
      raw[0]!.set([0, 100, -100, Number.NEGATIVE_INFINITY], gate.offset);
      const [g, u, d] = views.map(({ strides, offset }, i) =>
        Array.from({ length: size }, (_, item) => {
          const [row, column] = strides.length === 1 ? [0, item] : [Math.floor(item / 12), item % 12];
          return raw[i]![offset + row * (strides.length === 1 ? 0 : strides[0]!) + column * strides.at(-1)!]!;
        }),
      );
      const problem = { dtype, shape, gate, up, dOut, offsets: { dGate, dUp } };
      const plan = planSwigluBackward(problem, gpu.capabilities);
      expect(plan.passes.map(({ label }) => label)).toEqual([`swiglu-backward ${dtype}${kind}`]);
      const before = new Float32Array(size + 12).fill(7);
      const operands = {
        gate: deviceArray(raw[0]!, dtype),
        up: deviceArray(raw[1]!, dtype),
        dOut: deviceArray(raw[2]!, dtype),
        dGate: deviceArray(before, dtype),
        dUp: deviceArray(before, dtype),
      };
      const result = await runPlan(gpu.device, plan, operands);
      const check = (own: ArrayLike<number>, start: number, f: (i: number) => number) => {
        const truth = Array.from({ length: size }, (_, i) => f(i));
        expectClose(Array.from(own).slice(start, start + size), truth, truth.map(ROUNDS[dtype]), dtype);
        expect(own[start - 1] ?? 7).toBe(7);
        expect(own[start + size]).toBe(7);
      };
      check(hostNumbers(result.dUp), dUp, (i) => silu(g![i]!) * d![i]!);
      // The reference's slope is NaN at -Inf, where the gradient is 0.
      check(hostNumbers(result.dGate), dGate, (i) =>
        g![i] === Number.NEGATIVE_INFINITY ? 0 : siluSlope(g![i]!) * u![i]! * d![i]!,
      );
      expect(await runPlan(gpu.device, plan, operands)).toEqual(result);
    }
  });

  it('of nothing is nothing [null]', () => {
    const problem = { ...WHOLE, dtype: 'f32', shape: [0, 12], offsets: { dGate: 0, dUp: 0 } } as const;
    expect(planSwigluBackward(problem, gpu.capabilities).passes).toEqual([]);
  });
});
