import type { AttentionProblem } from '../src/attention/attention-problem.ts';
import { planDepthGather } from '../src/attention/gather/depth-gather.ts';
import { keySources } from '../src/attention/key-source.ts';
import { depthVectorPass } from '../src/attention/vector/vector-passes.ts';
import { planSwigluBackward } from '../src/elementwise/swiglu-backward.ts';
import { planGatherBackward } from '../src/gather/gather-backward.ts';
import { matmulCandidates } from '../src/matmul/matmul-choice.ts';
import type { MatmulConfig } from '../src/matmul/matmul-config.ts';
import { fitsDevice } from '../src/matmul/matmul-fit.ts';
import type { MatmulProblem } from '../src/matmul/matmul-problem.ts';
import { planMatmul } from '../src/matmul/plan-matmul.ts';
import { planNormBackward } from '../src/norm/norm-backward.ts';
import { planNormRope } from '../src/norm/norm-rope.ts';
import { planNormRopeBackward } from '../src/norm/norm-rope-backward.ts';
import { planSumSquares } from '../src/optimizer/sum-squares.ts';
import type { DeviceCapabilities } from '../src/plan/capabilities.ts';
import { elementBytes } from '../src/plan/dtype-table.ts';
import type { KernelPlan } from '../src/plan/plan.ts';
import { planReduce } from '../src/reduce/reduce.ts';
import { planRope } from '../src/rope/rope.ts';

/** Sizes of a model's step. */
export interface Model {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  readonly C: number;
  /** Width of the FFN. */
  readonly F: number;
  readonly L: number;
  readonly scope: 'head' | 'full' | 'none';
  readonly norm: 'rms' | 'layer';
  /** Elements of packed gradients. */
  readonly gradients: readonly number[];
}

/** The models of README's training table, and DistilGPT-2's shape. */
export const MODELS: Readonly<Record<string, Model>> = {
  small: { B: 32, T: 512, H: 8, Hkv: 4, D: 32, C: 256, F: 704, L: 10, scope: 'head', norm: 'rms', gradients: [10.5e6] },
  'study-24': {
    B: 16,
    T: 512,
    H: 6,
    Hkv: 2,
    D: 64,
    C: 384,
    F: 1536,
    L: 24,
    scope: 'none',
    norm: 'rms',
    gradients: [2 ** 25, 2 ** 25, 7e6],
  },
  // Without depth: its norms and biases are what is asked for.
  'distilgpt2-shape': {
    B: 1,
    T: 512,
    H: 12,
    Hkv: 12,
    D: 64,
    C: 768,
    F: 3072,
    L: 2,
    scope: 'none',
    norm: 'layer',
    gradients: [82e6],
  },
  // A quarter of its gradients.
  'moda-700m': {
    B: 1,
    T: 4096,
    H: 16,
    Hkv: 8,
    D: 64,
    C: 1024,
    F: 4096,
    L: 36,
    scope: 'full',
    norm: 'rms',
    gradients: [88e6, 88e6],
  },
};

/** Which cases beside those of the table. */
export interface CaseOptions {
  /** Other shapes of kernels, too. */
  readonly variants: boolean;
  /** The products of a block in every configuration. */
  readonly matmul: boolean;
}

/** A plan, the sizes of its operands, and what they move at least. */
export interface Case {
  readonly name: string;
  readonly plan: KernelPlan;
  readonly operandBytes: Readonly<Record<string, number>>;
  readonly bytes: number;
}

/** Queries and keys rotated by one kernel, as without QK-norm. */
function pairedRopeCases({ B, T, H, Hkv, D }: Model, caps: DeviceCapabilities): Case[] {
  const tokens = B * T;
  const kv = 2 * tokens * Hkv * D;
  const q = 2 * tokens * H * D;
  const problem = {
    ...({ dtype: 'f16', tokens, H, D, rotaryDim: D, theta: 10_000, isInterleaved: false } as const),
    offsets: { x: 0, positions: 0, out: 0 },
    second: { H: Hkv, offsets: { y: 0, outY: 0 } },
  };
  return [false, true].map((isInverse) => ({
    name: `query and key rope${isInverse ? ' backward' : ''}`,
    plan: planRope({ ...problem, isInverse }, caps),
    operandBytes: { positions: 4 * tokens, x: q, out: q, y: kv, outY: kv },
    bytes: 2 * (q + kv),
  }));
}

function ropeCases(model: Model, caps: DeviceCapabilities, options: CaseOptions): Case[] {
  const { B, T, H, Hkv, D, scope } = model;
  const tokens = B * T;
  const hasNorm = scope !== 'none';
  const shape = (heads: number) => ({
    ...({ dtype: 'f16', tokens, H: heads, D, scope, eps: 1e-6, rotaryDim: D, theta: 10_000 } as const),
    isInterleaved: false,
  });
  const weight = hasNorm ? 0 : null;
  const from = { x: 0, weight, positions: 0, rstd: 0 };
  const weightGradient = { dtype: 'f32', accumulate: true } as const;
  const kv = 2 * tokens * Hkv * D;
  const q = 2 * tokens * H * D;
  const small = { positions: 4 * tokens, rstd: 4 * tokens * H, weight: 2 * H * D, dWeight: 4 * H * D };
  const stride = 2 * Hkv * D;
  const read = hasNorm ? 1 : 0;
  return [
    ...(hasNorm ? [] : pairedRopeCases(model, caps)),
    {
      name: 'slot write',
      plan: planNormRope({ ...shape(Hkv), stride, offsets: { ...from, out: 0, v: 0 } }, caps),
      operandBytes: { ...small, x: 2 * kv, out: kv, v: kv },
      bytes: 4 * kv,
    },
    {
      name: 'slot write backward',
      plan: planNormRopeBackward(
        { ...shape(Hkv), stride, weightGradient, offsets: { ...from, dOut: 0, dx: 0, dV: 0, dWeight: weight } },
        caps,
      ),
      operandBytes: { ...small, x: 2 * kv, dx: 2 * kv, dOut: kv, dV: kv },
      bytes: (4 + read) * kv,
    },
    {
      name: 'query rope',
      plan: planNormRope({ ...shape(H), offsets: { ...from, out: 0 } }, caps),
      operandBytes: { ...small, x: q, out: q },
      bytes: 2 * q,
    },
    ...(options.variants ? [256, 512, 1024, 2048, 4096] : [undefined]).map((parts) => ({
      name: `query rope backward${parts === undefined ? '' : ` in ${parts} parts`}`,
      plan: planNormRopeBackward(
        { ...shape(H), weightGradient, offsets: { ...from, dOut: 0, dx: 0, dWeight: weight } },
        caps,
        parts,
      ),
      operandBytes: { ...small, x: q, dx: q, dOut: q },
      bytes: (2 + read) * q,
    })),
  ];
}

function depthCases({ B, T, H, Hkv, D, L }: Model, caps: DeviceCapabilities, options: CaseOptions): Case[] {
  const S = L; // the mean over readers, who see 2, 4, ... 2 (L - 1) slots
  const depth = { S, segments: [S], Td: T, chunk: 1, chunkPhase: 0 };
  const problem: AttentionProblem = {
    ...({ B, T, Tk: T, H, Hkv, D, Dv: D, dtype: 'f16', scale: D ** -0.5, causal: true } as const),
    hasSequence: false,
    defersDepth: true,
    depth,
  };
  const source = keySources(problem, caps)[0]!;
  const row = 2 * B * T * H * D;
  const slots = 4 * B * T * Hkv * D * S;
  const weights = 4 * B * T * H * S;
  const operandBytes = {
    q: row,
    out: row,
    dOut: row,
    dq: row,
    depthK0: slots / 2,
    depthV0: slots / 2,
    depthPairs: weights,
    lse: 4 * B * T * H,
    stats: 8 * B * T * H,
  };
  const bytes = { forward: slots + 3 * row, backward: slots + 4 * row + weights };
  const shapes = options.variants
    ? [64, 128, 256].flatMap((threads) =>
        [4, 8].filter((n) => n <= D / 8).map((slots_) => ({ threads, slots: slots_ })),
      )
    : [undefined];
  return (['forward', 'backward'] as const).flatMap((direction) =>
    shapes.map((shape) => ({
      name: `depth ${direction}${shape ? ` ${shape.threads} threads, ${shape.slots} slots` : ''}`,
      plan: {
        passes: [depthVectorPass(direction, problem, source, { isFirst: false, accumulate: false }, caps, shape)],
        workspace: {},
      },
      operandBytes,
      bytes: bytes[direction],
    })),
  );
}

function gatherCases({ B, T, H, Hkv, D, L }: Model, caps: DeviceCapabilities, options: CaseOptions): Case[] {
  const count = Math.ceil(L / 2);
  const row = 2 * B * T * H * D;
  return [2, 4].flatMap((slots) =>
    (options.variants ? [2, 4, 8] : [undefined]).map((inFlight) => {
      const readers = Array.from({ length: count }, (_, r) => ({
        row: r,
        firstPair: r * slots * B * T * H,
        scale: D ** -0.5,
      }));
      const shape = { B, T, H, Hkv, D, Dv: D, dtype: 'f16', slots, readers, accumulate: false } as const;
      const weights = 4 * B * T * H * slots * count;
      const out = 2 * B * T * Hkv * D * slots;
      return {
        name: `gather ${slots} slots, ${count} readers${inFlight ? `, ${inFlight} in flight` : ''}`,
        plan: planDepthGather(shape, caps, inFlight),
        operandBytes: { q: row * count, dOut: row * count, depthPairs: weights, dDepthK: out, dDepthV: out },
        bytes: 2 * row * count + weights + 2 * out,
      };
    }),
  );
}

/** Chains of equal tokens, whatever these are; their sums take as long as the text repeats itself. */
function linkCases({ B, T, C }: Model, caps: DeviceCapabilities): Case[] {
  const J = B * T;
  const shape = { dOutDtype: 'f16', dxDtype: 'f32', R: 1, N: 50_304, I: C, J, accumulate: true } as const;
  const { passes } = planGatherBackward({ ...shape, offsets: { dOut: 0, index: 0, dx: 0 } }, caps);
  const links = passes.filter(({ label }) => label.startsWith('gather-links'));
  return [
    {
      name: 'embedding links',
      plan: { passes: links, workspace: {} },
      operandBytes: { index: 4 * J, links: 4 * J },
      bytes: 8 * J,
    },
  ];
}

function ffnCases({ B, T, C }: Model, caps: DeviceCapabilities): Case[] {
  const F = 4 * C;
  const view = { strides: [F, 1], offset: 0 };
  const shape = { dtype: 'f16', shape: [B * T, F], gate: view, up: view, dOut: view } as const;
  const bytes = 2 * B * T * F;
  return [
    {
      name: 'swiglu backward',
      plan: planSwigluBackward({ ...shape, offsets: { dGate: 0, dUp: 0 } }, caps),
      operandBytes: { gate: bytes, up: bytes, dOut: bytes, dGate: bytes, dUp: bytes },
      bytes: 5 * bytes,
    },
  ];
}

function sumCases({ B, T, Hkv, D, gradients }: Model, caps: DeviceCapabilities): Case[] {
  const arrays = gradients.map((size) => ({ dtype: 'f32' as const, size, offset: 0 }));
  const columns = 2 * Hkv * D;
  const x = { dtype: 'f16', strides: [columns, 1], offset: 0 } as const;
  const out = { dtype: 'f32', offset: 0 } as const;
  return [
    {
      name: 'gradient norm',
      plan: planSumSquares({ arrays, outOffset: 0 }, caps),
      operandBytes: { ...Object.fromEntries(gradients.map((size, i) => [`x${i}`, 4 * size])), out: 4 },
      bytes: gradients.reduce((sum, size) => sum + 4 * size, 0),
    },
    {
      name: 'bias gradient',
      plan: planReduce({ op: 'sum', shape: [B * T, columns], axes: [0], x, out, accumulate: true }, caps),
      operandBytes: { x: 2 * B * T * columns, out: 4 * columns },
      bytes: 2 * B * T * columns,
    },
  ];
}

function normCases({ B, T, C, norm }: Model, caps: DeviceCapabilities, options: CaseOptions): Case[] {
  const rows = B * T;
  const isLayer = norm === 'layer';
  const sum = { dtype: 'f32', accumulate: true } as const;
  const offsets = { x: 0, weight: 0, mean: isLayer ? 0 : null, rstd: 0, dOut: 0, dx: 0, dWeight: 0, dBias: null };
  const problem = {
    kind: norm,
    dtype: 'f16',
    rows,
    N: C,
    weightGradient: sum,
    isJoint: isLayer,
    accumulate: true,
  } as const;
  const operandBytes = {
    x: 2 * rows * C,
    dOut: 2 * rows * C,
    dx: 2 * rows * C,
    weight: 2 * C,
    dWeight: 8 * C,
    mean: 4 * rows,
    rstd: 4 * rows,
  };
  return (options.variants ? [0, 128, 256, 512, 1024, 2048, 4096] : [undefined]).map((joined) => ({
    name: `norm backward${joined === undefined ? '' : ` in ${joined} parts`}`,
    plan: planNormBackward({ ...problem, offsets }, caps, joined),
    operandBytes,
    bytes: 8 * rows * C,
  }));
}

/** Blocks beside those of the table: twice as deep, half as many steps to wait for. */
function deeperBlocks(configs: readonly MatmulConfig[]): MatmulConfig[] {
  return configs.flatMap((config) => (config.kind === 'subgroup-matrix' ? [config, { ...config, blockK: 64 }] : []));
}

/** The products of a slot's projection, or of the whole block: forward, gradient of x, gradient of the weight. */
function matmulCases(model: Model, caps: DeviceCapabilities, options: CaseOptions): Case[] {
  const { Hkv, D, C, F } = model;
  const slots = projectionCases(model, [C, 2 * Hkv * D], caps, options);
  if (!options.matmul) return slots;
  const widths: readonly (readonly [number, number])[] = [
    [C, C],
    [C, F],
    [F, C],
  ];
  return [...slots, ...widths.flatMap((width) => projectionCases(model, width, caps, options))];
}

function projectionCases(
  { B, T }: Model,
  [C, N]: readonly [number, number],
  caps: DeviceCapabilities,
  options: CaseOptions,
): Case[] {
  const rows = B * T;
  const matrix = (ld: number, transposed = false) =>
    ({ dtype: 'f16', ld, batchStride: 0, offset: 0, transposed }) as const;
  const result = (ld: number, dtype: 'f16' | 'f32' = 'f16') => ({ dtype, ld, batchStride: 0, offset: 0 });
  const problems: Record<string, MatmulProblem> = {
    projection: { M: rows, N, K: C, batch: 1, a: matrix(C), b: matrix(C, true), out: result(N) },
    'projection dx': { M: rows, N: C, K: N, batch: 1, a: matrix(N), b: matrix(C), out: result(C), accumulate: true },
    'projection dW': {
      M: N,
      N: C,
      K: rows,
      batch: 1,
      a: matrix(N, true),
      b: matrix(C),
      out: result(C, 'f32'),
      accumulate: true,
    },
  };
  return Object.entries(problems).flatMap(([name, problem]) => {
    const { M, N: columns, K, a, b, out } = problem;
    const outBytes = M * columns * elementBytes(out.dtype);
    const operandBytes = { a: 2 * M * K, b: 2 * columns * K, out: outBytes };
    const bytes = operandBytes.a + operandBytes.b + outBytes * (problem.accumulate ? 2 : 1);
    const configs = options.matmul
      ? [
          undefined,
          ...deeperBlocks(matmulCandidates(problem, caps)).filter((config) => fitsDevice(problem, config, caps)),
        ]
      : [undefined];
    return configs.map((config) => ({
      name: `${config ? '' : 'default '}${name} ${M}x${columns}x${K}${a.transposed ? ' TN' : b.transposed ? ' NT' : ' NN'}`,
      plan: planMatmul(problem, caps, config),
      operandBytes,
      bytes,
    }));
  });
}

/** Every case of a model. */
export function stepCases(model: Model, caps: DeviceCapabilities, options: CaseOptions): Case[] {
  const makers = [ropeCases, depthCases, gatherCases, linkCases, ffnCases, sumCases, normCases, matmulCases];
  return makers.flatMap((make) => make(model, caps, options));
}
