import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, expectClose, ROUNDS } from '../../test/expect-close.ts';
import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { randomArray } from '../testing/random.ts';
import { type OperandArray, runPlan } from '../testing/run-plan.ts';
import { type DecodeInput, type DecodeProductConfig, type DecodeWeight, planDecodeProduct } from './decode-product.ts';
import { type ProductValues, referenceDecodeProduct } from './decode-reference.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

interface Case {
  readonly dtype: 'f32' | 'f16';
  readonly K: number;
  readonly rows: readonly number[];
  readonly input: DecodeInput;
  readonly isPaired?: boolean;
  readonly hasBias?: boolean;
  readonly config?: DecodeProductConfig;
  readonly capabilities?: Partial<DeviceCapabilities>;
}

async function check({ dtype, K, rows, input, isPaired = false, hasBias = false, config, capabilities }: Case) {
  // One stored row before the weight: starts are not all zero.
  let out = 0;
  let bias = 2 * K;
  const weights = rows.map((count, w): DecodeWeight => {
    const weight = { rows: count, start: w === 1 ? K : 0, out, bias: hasBias ? bias : null };
    if (!(isPaired && w === 1)) out += count;
    bias += Math.ceil(count / 4) * 4;
    return weight;
  });
  const random = (length: number, seed: number) => Array.from(randomArray(length, seed));
  const splits = input.kind === 'merge' ? input.splits : 1;
  // Whole vec4s: a kernel reads two pairs at a time.
  const pairs = input.kind === 'merge' ? 4 * Math.ceil((splits * (K / input.headDim)) / 2) : K;
  const values: ProductValues = {
    x: random(splits * K, 1),
    y: random(pairs, 2).map((value) => (input.kind === 'merge' ? value + 1.5 : value)),
    vectors: random(bias, 3).map((value) => value + 0.5),
    weights: rows.map((count, w) => random(count * K, 4 + w).map(ROUNDS[dtype])),
  };
  const problem = { dtype, K, input, weights, isPaired };
  const plan = planDecodeProduct(problem, { ...gpu.capabilities, ...capabilities }, config);
  const stored = rows.map((_, w) =>
    deviceArray([...new Array<number>(weights[w].start).fill(9), ...values.weights[w]], dtype),
  );
  const operands: Record<string, OperandArray> = {
    x: Float32Array.from(values.x),
    y: Float32Array.from(values.y),
    vectors: Float32Array.from(values.vectors),
    ...Object.fromEntries(stored.map((weight, w) => [`w${w}`, weight])),
    out: new Float32Array(out),
    carry: new Float32Array(K),
  };
  const results = await runPlan(gpu.device, plan, operands);
  const truth = referenceDecodeProduct(problem, values);
  const naive = referenceDecodeProduct(problem, values, Math.fround);
  expectClose(results['out'] as Float32Array, truth.results.flat(), naive.results.flat());
  if (input.kind === 'residual' && input.hasCarry) {
    expectClose(results['carry'] as Float32Array, truth.carry, naive.carry);
  }
  const again = await runPlan(gpu.device, plan, operands);
  expect(again['out']).toEqual(results['out']);
}

const residual = (options: Partial<Extract<DecodeInput, { kind: 'residual' }>>): DecodeInput => ({
  kind: 'residual',
  hasY: true,
  normOf: null,
  norm: 0,
  inputNorm: null,
  hasCarry: true,
  eps: 1e-5,
  ...options,
});

describe('decode product [webgpu]', () => {
  const cases: Record<string, Omit<Case, 'dtype' | 'K' | 'rows'> & Partial<Case>> = {
    'a row as it is': { input: { kind: 'plain' } },
    'merged attention of 3 splits': { input: { kind: 'merge', splits: 3, headDim: 8 } },
    'pre-norm': { input: residual({ inputNorm: 0 }) },
    'post-norm': { input: residual({ normOf: 'sum' }) },
    'post-norm and final norm': { input: residual({ normOf: 'sum', inputNorm: 0, hasCarry: false }) },
    'reordered norm': { input: residual({ normOf: 'y' }) },
    'the first block': { input: residual({ hasY: false, inputNorm: 0 }) },
    'three weights with biases': { input: residual({ inputNorm: 0 }), rows: [13, 7, 5], hasBias: true },
    'gate and up and a third weight': { input: residual({}), rows: [11, 11, 6], isPaired: true, hasBias: true },
    'four columns, few workgroups': { input: { kind: 'plain' }, config: { columns: 4, maxWorkgroups: 2 }, rows: [301] },
    'rows longer than what is fetched ahead': { input: { kind: 'plain' }, K: 1048, config: { threads: 64, steps: 1 } },
  };
  for (const [name, options] of Object.entries(cases)) {
    it(`equals the reference: ${name} [f16]`, async () => {
      await check({ dtype: 'f16', K: 72, rows: [17], ...options });
    });
    it(`equals the reference: ${name} [f32, without subgroups]`, async () => {
      await check({ dtype: 'f32', K: 72, rows: [17], ...options, capabilities: { subgroups: null } });
    });
  }

  it('reads halves whose rows are no multiple of 16 bytes [f16]', async () => {
    await check({ dtype: 'f16', K: 44, rows: [9, 5], input: residual({ inputNorm: 0 }) });
  });

  it('refuses rows that are no multiple of 4', () => {
    const problem = { dtype: 'f32', K: 10, input: { kind: 'plain' }, isPaired: false } as const;
    const weights = [{ rows: 3, start: 0, out: 0, bias: null }];
    expect(() => planDecodeProduct({ ...problem, weights }, gpu.capabilities)).toThrow('K a multiple of 4, even');
  });
});
