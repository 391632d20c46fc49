import type { AttentionProblem } from '../attention/attention-problem.ts';
import { type attentionOperands, attentionProblem } from './attention-case.ts';

/** A problem of the attention family with what its operands need. */
export interface AttentionCase {
  readonly name: string;
  readonly problem: AttentionProblem;
  readonly options?: Parameters<typeof attentionOperands>[1];
}

type Entry = readonly [name: string, problem: AttentionProblem, options?: AttentionCase['options']];

function named(entries: readonly Entry[]): readonly AttentionCase[] {
  return entries.map(([name, problem, options]) => ({ name, problem, ...(options ? { options } : {}) }));
}

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

/** Every mask, layout and storage type at small sizes. */
export const attentionCases = named([
  ['causal', attentionProblem()],
  ['T=1', attentionProblem({ T: 1 })],
  ['B=2 H=6 Hkv=2 D=40 Dv=24, not causal', attentionProblem({ B: 2, H: 6, Hkv: 2, D: 40, Dv: 24, causal: false })],
  ['more queries than keys, not causal', attentionProblem({ T: 17, Tk: 5, causal: false })],
  ['decoding: T=3 of Tk=70, keyCapacity=77', attentionProblem({ B: 2, T: 3, Tk: 70, keyCapacity: 77 })],
  ['Tk=2 of keyCapacity=3, B=2', attentionProblem({ B: 2, T: 1, Tk: 2, keyCapacity: 3, H: 1, D: 8 })],
  [
    'dk and dv added up, Tk=7 of keyCapacity=11',
    attentionProblem({ B: 3, T: 5, Tk: 7, keyCapacity: 11, H: 6, Hkv: 2, accumulateKeys: true }),
  ],
  [
    'moda, Tk=7 of keyCapacity=11, Td=5',
    {
      ...attentionProblem({ B: 2, T: 3, Tk: 7, keyCapacity: 11, H: 6, Hkv: 2 }),
      depth: { S: 3, segments: [2, 2], Td: 5, chunk: 1, chunkPhase: 0 },
    },
  ],
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
    'modaChunkVisible C=3 over packed documents that start at 0, 4, 5 and 13, B=2',
    attentionProblem({ B: 2, T: 19, S: 2, chunk: 3, hasDocRange: true }),
    { docRange: documents(2, [4, 1, 8, 6]) },
  ],
  [
    'modaChunkVisible C=4, decoding in documents, of which one started before the slots',
    {
      ...attentionProblem({ B: 2, T: 5, Tk: 12, keyCapacity: 13, hasDocRange: true }),
      depth: { S: 2, segments: [2], Td: 8, chunk: 4, chunkPhase: 0 },
    },
    { docRange: [1, 12, 1, 12, 1, 12, 1, 12, 1, 12, 6, 9, 6, 9, 9, 12, 9, 12, 9, 12] },
  ],
  [
    'two segments, slots beyond S hold NaN',
    { ...attentionProblem({ T: 7 }), depth: { S: 5, segments: [3, 4, 2], Td: 7, chunk: 1, chunkPhase: 0 } },
  ],
  [
    'accumulated f32 depth gradient, dLse',
    attentionProblem({ S: 3, dLse: true, depthGrad: { dtype: 'f32', accumulate: true } }),
  ],
  ['dk and dv added up', attentionProblem({ B: 2, T: 37, H: 6, Hkv: 2, accumulateKeys: true })],
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
  ['softcap=1.5, window=9, dLse', attentionProblem({ B: 2, T: 19, H: 6, Hkv: 2, softcap: 1.5, window: 9, dLse: true })],
  ['softcap=30 D=8, logits of +-100', attentionProblem({ T: 17, D: 8, softcap: 30, scale: 1 }), { amplitude: 4 }],
  ['moda softcap=0.7 G=3 S=5', attentionProblem({ H: 6, Hkv: 2, S: 5, softcap: 0.7 })],
  [
    'moda softcap=0.7 G=3 S=65, deferred',
    attentionProblem({ T: 5, H: 6, Hkv: 2, S: 65, softcap: 0.7, defersDepth: true }),
  ],
  ['modaChunkVisible softcap=2 C=4', attentionProblem({ T: 11, S: 3, chunk: 4, softcap: 2 })],
  ['f16', attentionProblem({ T: 33, dtype: 'f16', H: 4 })],
  [
    'f16 moda G=5 S=3, f32 gradient, odd sizes',
    attentionProblem({ T: 9, H: 5, D: 9, Dv: 7, dtype: 'f16', S: 3, depthGrad: { dtype: 'f32', accumulate: true } }),
  ],
  [
    'f16 moda S=3 of 4, f16 gradient',
    { ...attentionProblem({ T: 9, dtype: 'f16' }), depth: { S: 3, segments: [4], Td: 9, chunk: 1, chunkPhase: 0 } },
  ],
]);

/** What subgroup matrices may get wrong: ragged fragments, masks, large logits, slots beyond S. */
export const matrixCases = named([
  ['causal G=2 D=16, ragged rows and keys', attentionProblem({ T: 45, H: 2, dtype: 'f16' })],
  ['dk and dv added up, Dv=24', attentionProblem({ T: 37, H: 2, Dv: 24, dtype: 'f16', accumulateKeys: true })],
  ['not causal, B=2', attentionProblem({ B: 2, T: 33, H: 2, dtype: 'f16', causal: false })],
  [
    'dk and dv added up, Tk=21 of keyCapacity=23, B=2',
    attentionProblem({ B: 2, T: 19, Tk: 21, keyCapacity: 23, H: 2, dtype: 'f16', accumulateKeys: true }),
  ],
  ['window=7 of Tk=70', attentionProblem({ T: 21, Tk: 70, keyCapacity: 71, H: 2, dtype: 'f16', window: 7 })],
  [
    'documents of 7, 1 and 22 tokens, dLse',
    attentionProblem({ T: 30, H: 2, dtype: 'f16', hasDocRange: true, dLse: true }),
    { docRange: Array.from({ length: 30 }, (_, t) => (t < 7 ? [0, 7] : t < 8 ? [7, 8] : [8, 30])).flat() },
  ],
  ['logits of +-1e4', attentionProblem({ T: 37, H: 2, dtype: 'f16', scale: 1 }), { amplitude: 16 }],
  ['softcap=1.5, window=7', attentionProblem({ T: 37, H: 2, dtype: 'f16', softcap: 1.5, window: 7, dLse: true })],
  [
    'moda softcap=0.7 S=5',
    attentionProblem({ T: 19, H: 2, dtype: 'f16', S: 5, softcap: 0.7, depthGrad: { dtype: 'f32', accumulate: true } }),
  ],
  [
    'depth attention softcap=0.7 S=17, deferred',
    attentionProblem({ T: 3, H: 3, dtype: 'f16', S: 17, softcap: 0.7, hasSequence: false, defersDepth: true }),
  ],
  ['moda S=5', attentionProblem({ T: 19, H: 2, dtype: 'f16', S: 5, depthGrad: { dtype: 'f32', accumulate: true } })],
  [
    'depth attention G=3 S=17, deferred',
    attentionProblem({ B: 2, T: 2, H: 6, Hkv: 2, dtype: 'f16', S: 17, hasSequence: false, defersDepth: true }),
  ],
  [
    'depth attention G=3 S=18, slots beyond S hold NaN',
    {
      ...attentionProblem({
        B: 2,
        T: 3,
        H: 6,
        Hkv: 2,
        dtype: 'f16',
        hasSequence: false,
        depthGrad: { dtype: 'f16', accumulate: true },
      }),
      depth: { S: 18, segments: [20], Td: 4, chunk: 1, chunkPhase: 0 },
    },
  ],
]);

/**
 * Register tiles in two specialisations, since compiling is what takes time on a software adapter: every mask and the edges of tiles at one head
 * size that is read four numbers at a time, and an odd one with a cap.
 */
export const tileCases: readonly AttentionCase[] = [
  ...attentionCases.filter(
    ({ problem: { hasSequence, depth, softcap, D, Dv, dtype } }) =>
      hasSequence && !depth && !softcap && D === 16 && Dv === 16 && dtype === 'f32',
  ),
  ...named([31, 32, 33, 65].map((T) => [`tile edge T=${T}`, attentionProblem({ T, H: 1 })] as const)),
  ...named([
    [
      'softcap=1.5, window=9, dLse, G=5 D=9 Dv=35 T=21',
      attentionProblem({ T: 21, H: 5, D: 9, Dv: 35, softcap: 1.5, window: 9, dLse: true }),
    ],
  ]),
];

const deferred = { dtype: 'f16', D: 64, defersDepth: true } as const;
/** Four lanes a row: SwiftShader has no more in a subgroup. */
const inF32 = { dtype: 'f32', D: 16, defersDepth: true } as const;
/** Depth on vectors, gradients deferred: groups of at most 4 heads. */
export const vectorCases = named([
  ['G=2 S=5 after a sequence, dLse', attentionProblem({ ...deferred, T: 7, H: 4, Hkv: 2, S: 5, dLse: true })],
  ['G=3 B=2 S=18 alone', attentionProblem({ ...deferred, B: 2, T: 3, H: 6, Hkv: 2, S: 18, hasSequence: false })],
  ['softcap=0.7 G=2 S=11', attentionProblem({ ...deferred, T: 3, H: 4, Hkv: 2, S: 11, softcap: 0.7 })],
  ['D=32 G=2 B=2 S=11', attentionProblem({ ...deferred, B: 2, T: 5, H: 4, Hkv: 2, D: 32, S: 11 })],
  ['D=16 G=2 S=11 after a sequence', attentionProblem({ ...inF32, T: 5, H: 4, Hkv: 2, S: 11, dLse: true })],
  ['D=16 G=3 B=2 S=9 alone', attentionProblem({ ...inF32, B: 2, T: 3, H: 6, Hkv: 2, S: 9, hasSequence: false })],
  ['logits of +-1e4', attentionProblem({ ...deferred, T: 5, H: 2, S: 9, scale: 1 / 16 }), { amplitude: 64 }],
  [
    'two segments, slots beyond S hold NaN',
    {
      ...attentionProblem({ ...deferred, T: 3, H: 2 }),
      depth: { S: 11, segments: [9, 4], Td: 3, chunk: 1, chunkPhase: 0 },
    },
  ],
]);

const GROUPS = [1, 2, 3, 5, 7, 8, 16, 32, 64, 128];
const HEAD_DIMS = [16, 40, 64, 70, 76, 80, 96, 128, 256];
const LENGTHS = [1, 9, 63, 64, 65, 257, 1000];
const SLOTS = [0, 1, 2, 63, 64, 65, 72];

/** One axis after another: groups, head sizes with Dv != D, lengths, slots; all values, or the ends and the odd ones. */
export function attentionSizes(isFull: boolean): readonly AttentionCase[] {
  return [
    ...(isFull ? GROUPS : [7, 128]).map((G) => attentionProblem({ T: 5, H: G, S: 3 })),
    ...(isFull ? HEAD_DIMS : [70]).map((D) => attentionProblem({ T: 9, D, Dv: D - 6, S: 2 })),
    ...(isFull ? LENGTHS : [63, 64]).map((T) => attentionProblem({ T, H: 1, D: 8, S: 1 })),
    ...(isFull ? SLOTS : [64, 72]).map((S) => attentionProblem({ T: 3, S })),
  ].map(sized);
}

/** The same axes in f16, for subgroup matrices: head sizes that are multiples of 8; depth gradients added up in f32. */
export function matrixSizes(): readonly AttentionCase[] {
  const half = { dtype: 'f16', depthGrad: { dtype: 'f32', accumulate: true } } as const;
  return [
    ...GROUPS.map((G) => attentionProblem({ ...half, T: 5, H: G, S: 3 })),
    ...HEAD_DIMS.filter((D) => D % 8 === 0).map((D) =>
      attentionProblem({ ...half, T: 19, H: 2, D, Dv: Math.max(8, D - 8), S: 2 }),
    ),
    ...LENGTHS.map((T) => attentionProblem({ ...half, T, H: 2, S: 1 })),
    ...SLOTS.map((S) => attentionProblem({ ...half, T: 17, H: 4, Hkv: 2, S })),
  ].map(sized);
}

function sized(problem: AttentionProblem): AttentionCase {
  const { T, H, Hkv, D, Dv, depth } = problem;
  return { name: `G=${H / Hkv} D=${D} Dv=${Dv} T=${T} S=${depth!.S}`, problem };
}
