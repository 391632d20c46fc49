import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attentionOperands, attentionProblem, attentionViolations, runAttention } from '../../test/attention-case.ts';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { planAttentionForward } from './attention-forward.ts';
import type { AttentionProblem } from './attention-problem.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice();
});
afterAll(() => test.close());

/** Documents of the given lengths in each row, as `docRange`. */
function documents(B: number, lengths: number[]): number[] {
  const row: number[] = [];
  let start = 0;
  for (const length of lengths) {
    for (let t = 0; t < length; t++) row.push(start, start + length);
    start += length;
  }
  return Array.from({ length: B }, () => row).flat();
}

const CASES: [string, AttentionProblem, Parameters<typeof attentionOperands>[1]?][] = [
  ['causal', attentionProblem()],
  ['T=1', attentionProblem({ T: 1 })],
  ['B=2 H=6 Hkv=2 D=40 Dv=24, not causal', attentionProblem({ B: 2, H: 6, Hkv: 2, D: 40, Dv: 24, causal: false })],
  ['more queries than keys, not causal', attentionProblem({ T: 17, Tk: 5, causal: false })],
  ['decoding: T=3 of Tk=70, keyCapacity=77', attentionProblem({ B: 2, T: 3, Tk: 70, keyCapacity: 77 })],
  ['window=5', attentionProblem({ T: 23, window: 5 })],
  ['window=3, not causal', attentionProblem({ T: 11, window: 3, causal: false })],
  ['packed documents', attentionProblem({ B: 2, T: 19, hasDocRange: true }), { docRange: documents(2, [7, 1, 11]) }],
  [
    'left padding: rows that see no key',
    attentionProblem({ T: 5, hasDocRange: true }),
    { docRange: [0, 0, 0, 0, 2, 5, 2, 5, 2, 5] },
  ],
  ['D=256', attentionProblem({ T: 5, D: 256, Dv: 8 })],
  ['Dv=256', attentionProblem({ T: 5, D: 8, Dv: 256 })],
  ['moda G=3 S=5', attentionProblem({ H: 6, Hkv: 2, S: 5 })],
  ['moda S=0', attentionProblem({ S: 0 })],
  ['moda B=2 S=65', attentionProblem({ B: 2, T: 7, S: 65 })],
  ['depth attention S=3', attentionProblem({ S: 3, hasSequence: false })],
  ['depth attention S=0', attentionProblem({ S: 0, hasSequence: false })],
  ['modaChunkVisible C=4', attentionProblem({ T: 11, S: 3, chunk: 4 })],
  [
    'modaChunkVisible C=4, phase 3, decoding',
    {
      ...attentionProblem({ T: 6, Tk: 9 }),
      depth: { S: 2, segments: [2], Td: 8, chunk: 4, chunkPhase: 3 },
    },
  ],
  [
    'modaChunkVisible C=5 over packed documents',
    attentionProblem({ T: 19, S: 2, chunk: 5, hasDocRange: true }),
    { docRange: documents(1, [7, 1, 11]) },
  ],
  [
    'two segments, slots beyond S hold NaN',
    { ...attentionProblem({ T: 7 }), depth: { S: 5, segments: [3, 4, 2], Td: 7, chunk: 1, chunkPhase: 0 } },
  ],
  [
    'accumulated f32 depth gradient, dLse',
    attentionProblem({ S: 3, dLse: true, depthGrad: { dtype: 'f32', accumulate: true } }),
  ],
  ['logits of +-1e4', attentionProblem({ T: 17, D: 16, S: 2, scale: 1 }), { amplitude: 45 }],
  ['moda B=2 G=3 S=65, deferred', attentionProblem({ B: 2, T: 5, H: 6, Hkv: 2, S: 65, defersDepth: true })],
  [
    'f16 depth attention G=5, two segments, slots beyond S hold NaN, deferred, dLse',
    {
      ...attentionProblem({
        T: 7,
        H: 5,
        D: 24,
        Dv: 40,
        dtype: 'f16',
        hasSequence: false,
        defersDepth: true,
        dLse: true,
      }),
      depth: { S: 5, segments: [3, 4, 2], Td: 7, chunk: 1, chunkPhase: 0 },
    },
  ],
  ['f16', attentionProblem({ T: 33, dtype: 'f16', H: 4 })],
  [
    'f16 moda G=5 S=3, f32 gradient, odd sizes',
    attentionProblem({ T: 9, H: 5, D: 9, Dv: 7, dtype: 'f16', S: 3, depthGrad: { dtype: 'f32', accumulate: true } }),
  ],
  [
    'f16 moda S=3 of 4, f16 gradient',
    { ...attentionProblem({ T: 9, dtype: 'f16' }), depth: { S: 3, segments: [4], Td: 9, chunk: 1, chunkPhase: 0 } },
  ],
];

describe('attention family, rows', () => {
  it.each(CASES)('equals f64 forward and backward: %s [webgpu]', async (_name, problem, options) => {
    const operands = attentionOperands(problem, options);
    const result = await runAttention(test, problem, operands, { sequence: 'rows' });
    expect(attentionViolations(problem, operands, result)).toEqual([]);
  });

  it('splits an arena above the binding limit by slots, with the same result [webgpu]', async () => {
    const problem = attentionProblem({ T: 7, D: 10, Hkv: 1, S: 9 });
    const operands = attentionOperands(problem);
    const small = { ...test, capabilities: { ...test.capabilities, maxBindingBytes: 1000 } };
    expect(planAttentionForward(problem, small.capabilities).passes.length).toBeGreaterThan(3);
    const result = await runAttention(small, problem, operands);
    expect(attentionViolations(problem, operands, result)).toEqual([]);
  });

  it('gives the same bits twice [webgpu]', async () => {
    const problem = attentionProblem({ T: 37, H: 6, Hkv: 2, S: 5, dtype: 'f16' });
    const operands = attentionOperands(problem);
    const first = await runAttention(test, problem, operands, { sequence: 'rows' });
    const second = await runAttention(test, problem, operands, { sequence: 'rows' });
    expect(second.raw).toEqual(first.raw);
  });
});

/** The sizes a user meets; `MODA_FULL_GRID=1` takes every value of each axis, without it the ends and the odd ones. */
const FULL = process.env.MODA_FULL_GRID === '1';
const GRID: [string, AttentionProblem][] = [
  ...(FULL ? [1, 2, 3, 5, 7, 8, 16, 32, 64, 128] : [7, 128]).map((G) => attentionProblem({ T: 5, H: G, S: 3 })),
  ...(FULL ? [16, 40, 64, 70, 76, 80, 96, 128, 256] : [70]).map((D) => attentionProblem({ T: 9, D, Dv: D - 6, S: 2 })),
  ...(FULL ? [1, 9, 63, 64, 65, 257, 1000] : [63, 64]).map((T) => attentionProblem({ T, H: 1, D: 8, S: 1 })),
  ...(FULL ? [0, 1, 2, 63, 64, 65, 72] : [64, 72]).map((S) => attentionProblem({ T: 3, S })),
].map((problem) => {
  const { T, H, D, Dv, depth } = problem;
  return [`G=${H} D=${D} Dv=${Dv} T=${T} S=${depth!.S}`, problem];
});

describe('attention family, grid', { timeout: 400_000 }, () => {
  it.each(GRID)('equals f64 forward and backward: %s [webgpu]', async (_name, problem) => {
    const operands = attentionOperands(problem);
    for (const sequence of FULL ? (['rows', 'tile'] as const) : (['rows'] as const)) {
      const result = await runAttention(test, problem, operands, { sequence });
      expect(attentionViolations(problem, operands, result)).toEqual([]);
    }
  });
});

/** One head size, since compiling is what takes time on a software adapter: every mask, tile edges, f16. */
const TILE_CASES: typeof CASES = [
  ...CASES.filter(
    ([, { hasSequence, depth, D, Dv, dtype }]) => hasSequence && !depth && D === 16 && Dv === 16 && dtype === 'f32',
  ),
  ...[31, 32, 33, 65].map((T): (typeof CASES)[number] => [`tile edge T=${T}`, attentionProblem({ T, H: 1 })]),
  ['G=5 D=9 Dv=35 T=21', attentionProblem({ T: 21, H: 5, D: 9, Dv: 35 })],
];

// Compiling takes long on a busy machine without a GPU.
describe('attention family, register tiles', { timeout: 400_000 }, () => {
  it.each(TILE_CASES)('equals f64 forward and backward: %s [webgpu]', async (_name, problem, options) => {
    const operands = attentionOperands(problem, options);
    const result = await runAttention(test, problem, operands, { sequence: 'tile' });
    expect(attentionViolations(problem, operands, result)).toEqual([]);
  });

  it('gives the same bits twice [webgpu]', async () => {
    const problem = attentionProblem({ T: 37, H: 6, Hkv: 2 });
    const operands = attentionOperands(problem);
    const first = await runAttention(test, problem, operands, { sequence: 'tile' });
    const second = await runAttention(test, problem, operands, { sequence: 'tile' });
    expect(second.raw).toEqual(first.raw);
  });
});
