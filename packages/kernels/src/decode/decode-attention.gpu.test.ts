import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, expectClose, hostNumbers, ROUNDS } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { type OperandArray, runPlan } from '../testing/run-plan.ts';
import { type DecodeAttentionConfig, type DecodeAttentionProblem, planDecodeAttention } from './decode-attention.ts';
import { planDecodeProduct } from './decode-product.ts';
import { referenceDecodeAttention } from './decode-reference.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const CAPACITY = 40;
const SLOTS = 7;

type Case = Partial<DecodeAttentionProblem> & {
  readonly position?: number;
  readonly withoutSubgroups?: boolean;
  readonly config?: DecodeAttentionConfig;
};

async function check({ position = 23, withoutSubgroups = false, config, ...options }: Case): Promise<void> {
  const problem: DecodeAttentionProblem = {
    dtype: 'f32',
    H: 6,
    Hkv: 2,
    D: 8,
    splits: 3,
    scale: 0.4,
    qkNorm: 'full',
    qNorm: 0,
    kNorm: 100,
    eps: 1e-5,
    rotary: { theta: 100, isInterleaved: false },
    depth: null,
    ...options,
  };
  const { dtype, H, Hkv, D, splits, depth } = problem;
  const width = Hkv * D;
  const random = (length: number, seed: number, round = ROUNDS.f32) => Array.from(randomArray(length, seed), round);
  const store = ROUNDS[dtype];
  // Positions and slots that nobody may see hold NaN.
  const kept = (rows: number, from: number, to: number, seed: number) =>
    random(rows * width, seed, store).map((value, i) => {
      const row = Math.floor(i / width);
      return row >= from && row < to ? value : Number.NaN;
    });
  const readable = depth ? (depth.ffnKv?.slot ?? depth.end) : 0;
  const values = {
    position,
    raw: random(H * D + 4 * width, 1),
    ffnKv: random(3 * width, 2),
    vectors: random(300, 3).map((value) => value + 1.5),
    cacheK: kept(CAPACITY, 0, position, 4),
    cacheV: kept(CAPACITY, 0, position, 5),
    depthK: kept(SLOTS, depth?.first ?? 0, readable, 6),
    depthV: kept(SLOTS, depth?.first ?? 0, readable, 7),
  };
  const operands: Record<string, OperandArray> = {
    state: Int32Array.of(position, 5, 0, 0),
    raw: Float32Array.from(values.raw),
    ffnKv: Float32Array.from(values.ffnKv),
    vectors: Float32Array.from(values.vectors),
    cacheK: deviceArray(values.cacheK, dtype),
    cacheV: deviceArray(values.cacheV, dtype),
    depthK: deviceArray(values.depthK, dtype),
    depthV: deviceArray(values.depthV, dtype),
    out: new Float32Array(splits * H * D),
    statistics: new Float32Array(splits * H * 2),
  };
  const capabilities = withoutSubgroups ? { ...gpu.capabilities, subgroups: null } : gpu.capabilities;
  const ran = await runPlan(gpu.device, planDecodeAttention(problem, capabilities, config), operands);
  expect((await runPlan(gpu.device, planDecodeAttention(problem, capabilities, config), operands))['out']).toEqual(
    ran['out'],
  );
  // The identity as weights merges the splits.
  const K = H * D;
  const merge = planDecodeProduct(
    {
      dtype: 'f32',
      K,
      input: { kind: 'merge', splits, headDim: D },
      isPaired: false,
      weights: [{ rows: K, start: 0, out: 0, bias: null }],
    },
    gpu.capabilities,
  );
  const identity = new Float32Array(K * K).map((_, i) => Number(i % (K + 1) === 0));
  const merged = await runPlan(gpu.device, merge, {
    x: ran['out']!,
    y: ran['statistics']!,
    vectors: operands['vectors']!,
    w0: identity,
    out: new Float32Array(K),
  });
  const copy = () => ({ ...values, cacheK: [...values.cacheK], cacheV: [...values.cacheV] });
  const slots = () => ({ depthK: [...values.depthK], depthV: [...values.depthV] });
  const truth = { ...copy(), ...slots() };
  const out = referenceDecodeAttention(problem, truth);
  const naive = { ...copy(), ...slots() };
  const naiveOut = referenceDecodeAttention(problem, naive, store);
  expectClose(merged.out as Float32Array, out, naiveOut, dtype);
  for (const name of depth ? (['cacheK', 'cacheV', 'depthK', 'depthV'] as const) : (['cacheK', 'cacheV'] as const)) {
    expectClose(hostNumbers(ran[name]!), truth[name], naive[name], dtype);
  }
}

const depth = {
  first: 0,
  end: 5,
  ffnKv: { slot: 4, start: 16, norm: 150 },
  attentionKv: { slot: 5, start: 48 },
  hasNorm: true,
  hasRope: true,
};

describe('decode attention [webgpu]', () => {
  const cases: Record<string, Case> = {
    'sequence alone': {},
    'four keys of a thread in flight': { depth, position: 39, config: { ahead: 4 } },
    'the first token': { position: 0 },
    'more splits than positions': { position: 2, splits: 6 },
    'norm by head, interleaved RoPE': { qkNorm: 'head', rotary: { theta: 100, isInterleaved: true } },
    'depth slots, two of them written in this pass': { depth },
    'raw depth keys, no QK-norm, no RoPE': {
      depth: { ...depth, hasNorm: false, hasRope: false },
      qkNorm: 'none',
      rotary: null,
    },
    'raw depth keys beside normalised ones': { depth: { ...depth, hasNorm: false, hasRope: false } },
    'a bounded window of slots and a projected own slot': {
      depth: { ...depth, first: 2, attentionKv: { slot: 6, start: 80 } },
    },
    'attention slots only': { depth: { ...depth, ffnKv: null } },
    'D=64, G=1': { H: 2, D: 64, kNorm: 128 },
  };
  for (const [name, options] of Object.entries(cases)) {
    it(`equals the reference: ${name} [f32]`, async () => check(options));
  }
  it('equals the reference: sequence alone [f16]', async () =>
    check({ dtype: 'f16', D: 16, qNorm: 0, kNorm: 100, config: { ahead: 2 } }));
  it('equals the reference without subgroups [f32]', async () => check({ depth, withoutSubgroups: true }));
  it('equals the reference without subgroups [f16]', async () => check({ dtype: 'f16', withoutSubgroups: true }));

  it('refuses heads that are no power of two', () => {
    const problem = {
      dtype: 'f32',
      H: 2,
      Hkv: 1,
      D: 12,
      splits: 2,
      scale: 1,
      qkNorm: 'none',
      qNorm: 0,
      kNorm: 0,
    } as const;
    expect(() => planDecodeAttention({ ...problem, eps: 0, rotary: null, depth: null }, gpu.capabilities)).toThrow(
      'D a power of 2',
    );
  });
});
