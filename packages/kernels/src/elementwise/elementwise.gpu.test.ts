import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { expectClose } from '../../test/expect-close.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planElementwise } from './elementwise.ts';
import { elementwiseOperators } from './operators.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const SPECIAL = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 100, -100];

describe('elementwise special values', () => {
  const unary = async (op: string, values: readonly number[], alpha = 0) => {
    const operand = { dtype: 'f32', strides: [1], offset: 0 } as const;
    const problem = { op, shape: [values.length], inputs: [operand], out: operand, alpha };
    const operands = { x: Float32Array.from(values), out: new Float32Array(values.length) };
    return Array.from((await runPlan(gpu.device, planElementwise(problem, gpu.capabilities), operands)).out);
  };

  it('finds NaN and infinities [webgpu]', async () => {
    expect(await unary('notFinite', SPECIAL)).toEqual([0, 1, 1, 1, 0, 0]);
  });

  it('keeps silu, sigmoid and tanh finite far out, and NaN NaN [webgpu]', async () => {
    expect(await unary('silu', SPECIAL)).toEqual([0, Infinity, 0, NaN, 100, expect.closeTo(0)]);
    expect(await unary('sigmoid', SPECIAL)).toEqual([0.5, 1, 0, NaN, 1, expect.closeTo(0)]);
    expect(await unary('tanh', SPECIAL)).toEqual([0, 1, -1, NaN, 1, -1]);
  });

  it('passes NaN on through every function of one number, and has logarithms of 0 and below [webgpu]', async () => {
    for (const op of elementwiseOperators(1)) {
      if (op === 'sign' || op === 'notFinite') continue;
      expect(await unary(op, [NaN], op === 'powScalar' ? 0.7 : 2), op).toEqual([NaN]);
    }
    expect(await unary('log', [0, -0, -1, -Infinity, Infinity, 1])).toEqual([
      -Infinity,
      -Infinity,
      NaN,
      NaN,
      Infinity,
      0,
    ]);
  });

  it('raises negative numbers to whole powers only [webgpu]', async () => {
    expect(await unary('powScalar', [-2, 2, 0], 3)).toEqual([-8, 8, 0]);
    expect(await unary('powScalar', [-2, 4], -1)).toEqual([-0.5, 0.25]);
    expect(await unary('powScalar', [-2, 4], 0.5)).toEqual([NaN, 2]);
    expect(await unary('powScalar', [-2], 2.5)).toEqual([NaN]);
  });

  it('takes sines of large angles [webgpu]', async () => {
    const angles = [100, -1000, 12345.678].map(Math.fround);
    expectClose(
      await unary('sin', angles),
      angles.map(Math.sin),
      angles.map((x) => Math.fround(Math.sin(x))),
    );
    expectClose(
      await unary('cos', angles),
      angles.map(Math.cos),
      angles.map((x) => Math.fround(Math.cos(x))),
    );
  });

  it('passes NaN on through maximum and minimum [webgpu]', async () => {
    const operand = { dtype: 'f32', strides: [1], offset: 0 } as const;
    for (const op of ['maximum', 'minimum'] as const) {
      const plan = planElementwise({ op, shape: [3], inputs: [operand, operand], out: operand }, gpu.capabilities);
      const operands = { a: Float32Array.of(NaN, 1, 2), b: Float32Array.of(1, NaN, 3), out: new Float32Array(3) };
      const { out } = await runPlan(gpu.device, plan, operands);
      expect(Array.from(out)).toEqual([NaN, NaN, op === 'maximum' ? 3 : 2]);
    }
  });
});

describe('elementwise layouts', () => {
  const add = async (shape: number[], a: number[], b: number[], aData: number[], bData: number[]) => {
    const strided = (strides: number[]) => ({ dtype: 'f32' as const, strides, offset: 0 });
    const size = shape.reduce((product, extent) => product * extent, 1);
    const outStrides = shape.map((_, d) => shape.slice(d + 1).reduce((product, extent) => product * extent, 1));
    const inputs = [strided(a), strided(b)];
    const plan = planElementwise({ op: 'add', shape, inputs, out: strided(outStrides) }, gpu.capabilities);
    const operands = { a: Float32Array.from(aData), b: Float32Array.from(bData), out: new Float32Array(size) };
    return { plan, values: Array.from((await runPlan(gpu.device, plan, operands)).out) };
  };

  it('broadcasts by zero strides [webgpu]', async () => {
    const { values } = await add([2, 3], [1, 0], [0, 1], [10, 20], [1, 2, 3]);
    expect(values).toEqual([11, 12, 13, 21, 22, 23]);
  });

  it('adds a row to every row four numbers at a time [webgpu]', async () => {
    const { plan, values } = await add([2, 4], [4, 1], [0, 1], [1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40]);
    expect(plan.passes[0].label).toBe('add f32 vec4');
    expect(values).toEqual([11, 22, 33, 44, 15, 26, 37, 48]);
  });

  it('walks transposes and six dimensions [webgpu]', async () => {
    expect((await add([3, 2], [1, 3], [2, 1], [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0])).values).toEqual([
      0, 3, 1, 4, 2, 5,
    ]);
    const ones = Array.from({ length: 64 }, () => 1);
    const bits = Array.from({ length: 64 }, (_, i) => i);
    const { values } = await add([2, 2, 2, 2, 2, 2], [1, 2, 4, 8, 16, 32], [0, 0, 0, 0, 0, 0], bits, ones);
    const reversed = bits.map((i) => 1 + Number.parseInt([...i.toString(2).padStart(6, '0')].reverse().join(''), 2));
    expect(values).toEqual(reversed);
  });

  it('computes integers, dividing by zero to zero [webgpu]', async () => {
    const operand = { dtype: 'i32', strides: [1], offset: 0 } as const;
    const inputs = [operand, operand];
    const plan = planElementwise({ op: 'div', shape: [4], inputs, out: operand }, gpu.capabilities);
    const operands = { a: Int32Array.of(7, -7, 5, 0), b: Int32Array.of(2, 2, 0, 3), out: new Int32Array(4) };
    expect(Array.from((await runPlan(gpu.device, plan, operands)).out)).toEqual([3, -3, 0, 0]);
  });
});
