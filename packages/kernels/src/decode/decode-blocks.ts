import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES, elementsPerVector } from '../plan/dtype-table.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { specialize } from '../plan/specialize.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import { ropeFrequencies } from '../rope/rope-frequencies.ts';
import source from './decode-blocks.wgsl';
import type { BlockMatrix, DecodeBlock, DecodeBlocksProblem } from './decode-blocks-problem.ts';
import {
  checkDecodeBlocks,
  type DecodeBlocksConfig,
  type DecodeBlocksTiling,
  tileDecodeBlocks,
} from './decode-blocks-tiling.ts';

const NONE = 0xffffffff;
const POLLS = 2 ** 21;
/** Control words at the head of `exchange`. */
const HEAD_WORDS = 4;

/** u32 words of `exchange`, all zero before the first token. */
export function decodeBlocksExchange({
  C,
  F,
  H,
  Hkv,
  D,
  splits,
}: Pick<DecodeBlocksProblem, 'C' | 'F' | 'H' | 'Hkv' | 'D' | 'splits'>): number {
  return HEAD_WORDS + H * D + 4 * Hkv * D + splits * H * (D + 1) + H * D + C + F + 2 * Hkv * D + C;
}

/**
 * Plans one token from the embedding to the last residual sum in one dispatch, whose workgroups pass numbers to each other.
 * Operands: `state` (i32: position, token, step), `table` `[V, C]`, `vectors` f32, `w0`.. (weights), `cacheK`, `cacheV`, `depthK`, `depthV`
 * (with depth), `exchange` u32 (`decodeBlocksExchange`; zero at first, then its own), `x` and `y` f32 `[C]`: the residual sum
 * before the last sub-layer's output, and that output. Both are NaN when a wait found no end: the workgroups did not run together.
 *
 * @throws KernelError where rows are no whole number of 16-byte words for each lane of a subgroup, a workgroup has too many rows,
 * memory does not suffice, or subgroups have no one size
 * Reference: Zhu et al., "Mixture-of-Depths Attention"; Hu et al., "Demystifying NCCL" (words that carry their own flag).
 */
export function planDecodeBlocks(
  problem: DecodeBlocksProblem,
  caps: DeviceCapabilities,
  config: DecodeBlocksConfig = {},
): KernelPlan {
  const { dtype, C, F, H, Hkv, D, depth, rotary, blocks } = problem;
  requireDTypes('decode blocks', caps, dtype);
  const tiling = tileDecodeBlocks(problem, caps, config);
  checkDecodeBlocks(problem, caps, tiling);
  const values = elementsPerVector(dtype);
  const absent: Record<string, number> = depth === null ? { absentK: 16, absentV: 16 } : {};
  return {
    passes: [
      {
        label: `decode-blocks ${dtype} L=${blocks.length} C=${C} F=${F} W=${tiling.workgroups}`,
        shader: unroll(specialised(problem, caps, config, tiling), unrollBounds(tiling, H / Hkv, values)),
        constants: {},
        bindings: [
          ...['state', 'table', 'vectors'].map((buffer) => ({ buffer, access: 'read' as const })),
          ...[0, 1, 2, 3].map((w) => ({ buffer: `w${w < problem.storages ? w : 0}`, access: 'read' as const })),
          ...['cacheK', 'cacheV', depth ? 'depthK' : 'absentK', depth ? 'depthV' : 'absentV', 'exchange', 'x', 'y'].map(
            (buffer) => ({ buffer, access: 'read_write' as const }),
          ),
        ],
        uniform: uniformBlock([
          ...[{ f32: problem.eps }, { f32: problem.scale }, problem.tableStart / values, tiling.keysASplit],
          ...ropeFrequencies(D, D, rotary?.theta ?? 1, rotary?.frequencies),
          ...blocks.flatMap((block) => wordsOf(block, problem, values)),
        ]),
        workgroups: [tiling.workgroups, 1, 1],
      },
    ],
    workspace: absent,
  };
}

/** `struct Block` of the shader. */
function wordsOf(block: DecodeBlock, { H, Hkv, D }: DecodeBlocksProblem, values: number): number[] {
  const matrix = (m: BlockMatrix | null): number[] =>
    m ? [m.start / values, m.storage, m.bias ?? NONE, 0] : [block.q.start / values, block.q.storage, NONE, 0];
  const { slots } = block;
  return [
    ...[block.q, block.k, block.v, block.attentionKv, block.output].flatMap(matrix),
    ...[block.gate, block.up, block.ffnSlot, block.down].flatMap(matrix),
    ...[block.attentionNorm, block.ffnNorm, block.qNorm, block.kNorm],
    ...[block.ffnKvNorm, block.cacheK / values, block.cacheV / values, H * D + (block.attentionKv ? 2 * Hkv * D : 0)],
    ...[slots?.first ?? 0, slots?.end ?? 0, slots?.ffnKv ?? NONE, slots?.written ?? NONE],
  ];
}

/** Iterations of the loops that are written out, by the text of their bounds. */
function unrollBounds({ products, ahead }: DecodeBlocksTiling, G: number, values: number): Record<string, number> {
  const { raw, out, pairs, ffnKv, down } = products;
  const fours = (n: number): number => Math.ceil(n / 4);
  return {
    RAW_ROUNDS: raw.rounds,
    OUT_ROUNDS: out.rounds,
    PAIR_ROUNDS: pairs.rounds,
    FFN_KV_ROUNDS: ffnKv.rounds,
    DOWN_ROUNDS: down.rounds,
    RAW_FOURS: fours(raw.rounds),
    OUT_FOURS: fours(out.rounds),
    PAIR_FOURS: fours(pairs.rounds),
    FFN_KV_FOURS: fours(ffnKv.rounds),
    DOWN_FOURS: fours(down.rounds),
    C_STEPS: raw.steps,
    A_STEPS: out.steps,
    F_STEPS: down.steps,
    FOURS: values / 4,
    VALUES: values,
    '4u': 4,
    TOGETHER: 4,
    G,
    AHEAD: ahead,
  };
}

/** The shader for one problem and tiling. */
function specialised(
  problem: DecodeBlocksProblem,
  caps: DeviceCapabilities,
  config: DecodeBlocksConfig,
  tiling: DecodeBlocksTiling,
): string {
  const { dtype, C, F, H, Hkv, D, splits, depth, rotary, blocks } = problem;
  return specialize(source, {
    IS_HALF: String(DTYPES[dtype].isHalf),
    THREADS: `${tiling.threads}u`,
    SUBGROUP: `${tiling.subgroup}u`,
    C: `${C}u`,
    F: `${F}u`,
    H: `${H}u`,
    HKV: `${Hkv}u`,
    D: `${D}u`,
    LAYERS: `${blocks.length}u`,
    SPLITS: `${splits}u`,
    W: `${tiling.workgroups}u`,
    STORAGES: `${problem.storages}u`,
    HAS_ATTENTION_KV: String(tiling.hasAttentionKv),
    HAS_FFN_KV: String(tiling.hasFfnKv),
    HAS_DEPTH: String(depth !== null),
    NORM: `${['pre', 'post', 'reordered'].indexOf(problem.norm)}u`,
    QK_NORM: `${['none', 'full', 'head'].indexOf(problem.qkNorm)}u`,
    IS_ROTARY: String(rotary !== null),
    IS_INTERLEAVED: String(rotary?.isInterleaved ?? false),
    NORM_DEPTH: String(depth?.hasNorm ?? false),
    ROTATE_DEPTH: String(depth?.hasRope ?? false),
    AHEAD: `${tiling.ahead}u`,
    POLLS: `${config.polls ?? POLLS}u`,
    IS_SERIAL: String(isSoftwareAdapter(caps)),
    C_LANES: `${tiling.lanes.C}u`,
    A_LANES: `${tiling.lanes.A}u`,
    F_LANES: `${tiling.lanes.F}u`,
    PARTIALS: `${tiling.partials}u`,
  });
}
