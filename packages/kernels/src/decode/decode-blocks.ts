import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { requireF16 } from '../plan/require-f16.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { specialize } from '../plan/specialize.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import { ropeFrequencies } from '../rope/rope-frequencies.ts';
import source from './decode-blocks.wgsl';
import { RESIDENT_MEMORY_BYTES } from './resident-workgroups.ts';
import { fixedSubgroupSize } from './subgroup-size.ts';

/** A matrix `[N, K]`, row-major: which of the storages `w0`.. holds it, its first element there, its bias in `vectors`. */
export interface BlockMatrix {
  readonly storage: number;
  readonly start: number;
  readonly bias: number | null;
}

/** Where the parts of one block lie. Norm weights and biases are starts in `vectors`, all multiples of 4. */
export interface DecodeBlock {
  readonly q: BlockMatrix;
  readonly k: BlockMatrix;
  readonly v: BlockMatrix;
  /** Depth projection `[2 * Hkv * D, C]` of the attention's slot; null for slots that share the token's k and v. */
  readonly own: BlockMatrix | null;
  readonly output: BlockMatrix;
  readonly gate: BlockMatrix;
  readonly up: BlockMatrix;
  /** Depth projection `[2 * Hkv * D, C]` of the FFN's input; null for blocks that write no such slot. */
  readonly ffnSlot: BlockMatrix | null;
  readonly down: BlockMatrix;
  /** Norm where the attention begins (of its input, or of what the block before leaves), and where the FFN does. */
  readonly attentionNorm: number;
  readonly ffnNorm: number;
  readonly qNorm: number;
  readonly kNorm: number;
  /** Key norm of the slot that the previous block's FFN left. */
  readonly freshNorm: number;
  /** First elements of the block's keys in `cacheK` and of its values in `cacheV`. */
  readonly cacheK: number;
  readonly cacheV: number;
  /** Slots `first .. end - 1` are read; `fresh` of them is written here from the previous FFN; `written` is filled by this attention. */
  readonly slots: {
    readonly first: number;
    readonly end: number;
    readonly fresh: number | null;
    readonly written: number | null;
  } | null;
}

/** One token through all blocks of a decoder, at batch 1. */
export interface DecodeBlocksProblem {
  readonly dtype: 'f32' | 'f16';
  readonly C: number;
  readonly F: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  /** Parts of the keys at most; the first holds the token and its slots, the others share the cache. */
  readonly splits: number;
  readonly norm: 'pre' | 'post' | 'reordered';
  readonly qkNorm: 'none' | 'full' | 'head';
  readonly eps: number;
  readonly scale: number;
  readonly rotary: { readonly theta: number; readonly isInterleaved: boolean } | null;
  readonly depth: { readonly hasNorm: boolean; readonly hasRope: boolean } | null;
  /** First element of the embedding in `table`. */
  readonly tableStart: number;
  /** Storages of weights, 1 to 4. */
  readonly storages: number;
  readonly blocks: readonly DecodeBlock[];
  /** Workgroups that run at once on the device: `planResidentWorkgroups` counts them. The kernel uses no more. */
  readonly residentWorkgroups: number;
}

/** How the kernel is cut. */
export interface DecodeBlocksConfig {
  readonly threads?: number;
  /** Keys of a thread whose loads are in flight together. */
  readonly ahead?: 1 | 2 | 4;
  /** Workgroups at most, instead of those that are resident: a device that does not run them together gives NaN. */
  readonly workgroups?: number;
  /** Turns of a wait before the kernel gives up; about a second by default. */
  readonly polls?: number;
  /** Keys that one split is meant for. */
  readonly keysASplit?: number;
}

/** Storage buffers that the kernel binds. */
export const DECODE_BLOCKS_BUFFERS = 14;
const NONE = 0xffffffff;
/** Words of weights that one thread may hold for a product: registers. */
const MAX_WORDS = 48;
const POLLS = 2 ** 21;
const HEAD_WORDS = 4;

/** Threads of a workgroup on GPUs, and where threads are emulated. */
const threadsOf = (caps: DeviceCapabilities): number =>
  Math.min(isSoftwareAdapter(caps) ? 64 : 512, caps.maxInvocations);

/** Lanes that share a row of `words`: the most that divide it, whole subgroups. */
function lanesOf(words: number, subgroup: number, threads: number): number {
  let best = 0;
  for (let lanes = subgroup; lanes <= threads; lanes += subgroup) if (words % lanes === 0) best = lanes;
  return best;
}

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
  const { dtype, C, F, H, Hkv, D, splits, depth, rotary, blocks } = problem;
  requireF16('decode blocks', caps, dtype);
  const cut = cutOf(problem, caps, config);
  check(problem, caps, cut);
  const values = dtype === 'f16' ? 8 : 4;
  const text = specialize(source, {
    IS_HALF: String(dtype === 'f16'),
    THREADS: `${cut.threads}u`,
    SUBGROUP: `${cut.subgroup}u`,
    C: `${C}u`,
    F: `${F}u`,
    H: `${H}u`,
    HKV: `${Hkv}u`,
    D: `${D}u`,
    LAYERS: `${blocks.length}u`,
    SPLITS: `${splits}u`,
    W: `${cut.workgroups}u`,
    STORAGES: `${problem.storages}u`,
    HAS_OWN: String(cut.hasOwn),
    HAS_FRESH: String(cut.hasFresh),
    HAS_DEPTH: String(depth !== null),
    NORM: `${['pre', 'post', 'reordered'].indexOf(problem.norm)}u`,
    QK_NORM: `${['none', 'full', 'head'].indexOf(problem.qkNorm)}u`,
    IS_ROTARY: String(rotary !== null),
    IS_INTERLEAVED: String(rotary?.isInterleaved ?? false),
    NORM_DEPTH: String(depth?.hasNorm ?? false),
    ROTATE_DEPTH: String(depth?.hasRope ?? false),
    AHEAD: `${cut.ahead}u`,
    POLLS: `${config.polls ?? POLLS}u`,
    TAKES_TURNS: String(isSoftwareAdapter(caps)),
    C_LANES: `${cut.lanesC}u`,
    A_LANES: `${cut.lanesA}u`,
    F_LANES: `${cut.lanesF}u`,
    PARTIALS: `${cut.partials}u`,
  });
  const absent: Record<string, number> = depth === null ? { absentK: 16, absentV: 16 } : {};
  return {
    passes: [
      {
        label: `decode-blocks ${dtype} L=${blocks.length} C=${C} F=${F} W=${cut.workgroups}`,
        shader: unroll(text, cut.bounds),
        constants: {},
        bindings: [
          ...['state', 'table', 'vectors'].map((buffer) => ({ buffer, access: 'read' as const })),
          ...[0, 1, 2, 3].map((w) => ({ buffer: `w${w < problem.storages ? w : 0}`, access: 'read' as const })),
          ...['cacheK', 'cacheV', depth ? 'depthK' : 'absentK', depth ? 'depthV' : 'absentV', 'exchange', 'x', 'y'].map(
            (buffer) => ({ buffer, access: 'read_write' as const }),
          ),
        ],
        uniform: uniformBlock([
          ...[{ f32: problem.eps }, { f32: problem.scale }, problem.tableStart / values, cut.keysASplit],
          ...ropeFrequencies(D, D, rotary?.theta ?? 1),
          ...blocks.flatMap((block) => wordsOf(block, problem, values)),
        ]),
        workgroups: [cut.workgroups, 1, 1],
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
    ...[block.q, block.k, block.v, block.own, block.output].flatMap(matrix),
    ...[block.gate, block.up, block.ffnSlot, block.down].flatMap(matrix),
    ...[block.attentionNorm, block.ffnNorm, block.qNorm, block.kNorm],
    ...[block.freshNorm, block.cacheK / values, block.cacheV / values, H * D + (block.own ? 2 * Hkv * D : 0)],
    ...[slots?.first ?? 0, slots?.end ?? 0, slots?.fresh ?? NONE, slots?.written ?? NONE],
  ];
}

/** Sizes that follow from the problem and the device. */
function cutOf(problem: DecodeBlocksProblem, caps: DeviceCapabilities, config: DecodeBlocksConfig) {
  const { dtype, C, F, H, Hkv, D, blocks } = problem;
  const values = dtype === 'f16' ? 8 : 4;
  const A = H * D;
  const threads = config.threads ?? threadsOf(caps);
  const subgroup = fixedSubgroupSize(caps, threads) ?? 0;
  const lanes = (K: number): number => (subgroup === 0 ? 0 : lanesOf(K / values, subgroup, threads));
  const [lanesC, lanesA, lanesF] = [lanes(C), lanes(A), lanes(F)];
  const hasOwn = blocks.some(({ own }) => own !== null);
  const hasFresh = blocks.some(({ ffnSlot }) => ffnSlot !== null);
  // Every workgroup has rows of the outputs: nobody falls behind unnoticed.
  const rows = Math.ceil(C / Math.max(1, Math.min(config.workgroups ?? problem.residentWorkgroups, C)));
  const workgroups = Math.ceil(C / rows);
  const rowsOf = (N: number): number => Math.ceil(N / workgroups);
  const turns = (N: number, lanesOfRow: number): number =>
    Math.ceil(rowsOf(N) / Math.max(1, Math.floor(threads / Math.max(1, lanesOfRow))));
  const stepsOf = (K: number, lanesOfRow: number): number => K / values / Math.max(1, lanesOfRow);
  const width = 2 * Hkv * D;
  const [raw, fresh] = [A + width + (hasOwn ? width : 0), hasFresh ? width : 0];
  const fours = (n: number): number => Math.ceil(n / 4);
  const bounds = {
    ...{ RAW_TURNS: turns(raw, lanesC), OUT_TURNS: turns(C, lanesA), PAIR_TURNS: turns(F, lanesC) },
    ...{ FRESH_TURNS: turns(fresh, lanesC), DOWN_TURNS: turns(C, lanesF) },
    ...{ C_STEPS: stepsOf(C, lanesC), A_STEPS: stepsOf(A, lanesA), F_STEPS: stepsOf(F, lanesF) },
  };
  const parts = (lanesOfRow: number): number => lanesOfRow / Math.max(1, subgroup);
  const partials = Math.max(
    ...[rowsOf(raw), 2 * rowsOf(F) + rowsOf(fresh)].map((n) => n * parts(lanesC)),
    ...[lanesA, lanesF].map((lanesOfRow) => rows * parts(lanesOfRow)),
    1,
  );
  const ahead = config.ahead ?? (isSoftwareAdapter(caps) ? 1 : 2);
  const words = Math.max(
    bounds.RAW_TURNS * bounds.C_STEPS,
    bounds.OUT_TURNS * bounds.A_STEPS,
    (2 * bounds.PAIR_TURNS + bounds.FRESH_TURNS) * bounds.C_STEPS,
    bounds.DOWN_TURNS * bounds.F_STEPS,
  );
  const numbers = A + Hkv * D + D + (problem.depth ? 2 * (Hkv + 1) * D : 0);
  const subgroups = threads / Math.max(1, subgroup);
  const G = H / Hkv;
  const memory =
    4 * (Math.max(C, A) + 2 * partials + 5 * subgroups + numbers + (G + 3) * D + subgroups * G * (D + 2)) + 16;
  return {
    ...{ threads, subgroup, lanesC, lanesA, lanesF, hasOwn, hasFresh, workgroups, partials, ahead, words, memory },
    keysASplit: config.keysASplit ?? 64,
    bounds: {
      ...bounds,
      ...{ RAW_FOURS: fours(bounds.RAW_TURNS), OUT_FOURS: fours(bounds.OUT_TURNS) },
      ...{ PAIR_FOURS: fours(bounds.PAIR_TURNS), FRESH_FOURS: fours(bounds.FRESH_TURNS) },
      ...{ DOWN_FOURS: fours(bounds.DOWN_TURNS), FOURS: values / 4, VALUES: values, '4u': 4, TOGETHER: 4 },
      ...{ G, AHEAD: ahead },
    },
  };
}

function check(problem: DecodeBlocksProblem, caps: DeviceCapabilities, cut: ReturnType<typeof cutOf>): void {
  const { dtype, C, F, H, Hkv, D, splits, storages } = problem;
  const lanes = D / (dtype === 'f16' ? 8 : 4);
  const fitsHeads = Number.isInteger(Math.log2(lanes)) && lanes >= 1 && lanes <= cut.subgroup && H % Hkv === 0;
  if (cut.subgroup < 4 || !fitsHeads || Math.min(cut.lanesC, cut.lanesA, cut.lanesF) === 0 || splits < 2) {
    throw new KernelError(
      `kernels: decode blocks needs subgroups of one size of at least 4, C, F and H*D multiples of that many 16-byte words, D a power of 2 within a subgroup and at least 2 splits, got C=${C}, F=${F}, H=${H}, Hkv=${Hkv}, D=${D}, splits=${splits}, subgroups of ${cut.subgroup}. Use a kernel for each product.`,
      { C, F, H, Hkv, D, splits, subgroup: cut.subgroup },
    );
  }
  if (problem.residentWorkgroups < 1 || cut.words > MAX_WORDS) {
    throw new KernelError(
      `kernels: decode blocks needs workgroups enough that a thread holds at most ${MAX_WORDS} words of weights, got ${cut.words} with ${problem.residentWorkgroups} resident workgroups. Use a kernel for each product.`,
      { words: cut.words, residentWorkgroups: problem.residentWorkgroups },
    );
  }
  const most = Math.min(caps.maxWorkgroupMemoryBytes, RESIDENT_MEMORY_BYTES);
  const isSmall = cut.memory > most || caps.maxStorageBuffers < DECODE_BLOCKS_BUFFERS;
  if (isSmall || storages < 1 || storages > 4) {
    throw new KernelError(
      `kernels: decode blocks needs ${cut.memory} B of workgroup memory, ${DECODE_BLOCKS_BUFFERS} storage buffers and weights in 1 to 4 of them, it may have ${most} B and ${caps.maxStorageBuffers}, weights are in ${storages}. Use a kernel for each product.`,
      { bytes: cut.memory, storages },
    );
  }
}
