import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES, elementsPerVector } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { specialize } from '../plan/specialize.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import { ropeFrequencies } from '../rope/rope-frequencies.ts';
import source from './decode-attention.wgsl';
import { withoutSubgroups } from './subgroup-lines.ts';
import { fixedSubgroupSize } from './subgroup-size.ts';

/** Rotary embedding of all components of queries and keys. */
export interface DecodeRotary {
  readonly theta: number;
  /** Radians a position of each pair, in place of the powers of theta. */
  readonly frequencies?: readonly number[];
  readonly isInterleaved: boolean;
}

/** Depth slots of one layer, by number in the arena. */
export interface DecodeDepth {
  /** Slots that the layer reads: `first .. end - 1`. */
  readonly first: number;
  readonly end: number;
  /** The newest of them, still to be written from the previous block's raw FFN projection: where that starts in `ffnKv`, and its key norm in `vectors`. */
  readonly ffnKv: { readonly slot: number; readonly start: number; readonly norm: number } | null;
  /** The slot that this layer fills, from its own k and v or from a projection that starts at `start` in `raw`. */
  readonly attentionKv: { readonly slot: number; readonly start: number } | null;
  readonly hasNorm: boolean;
  readonly hasRope: boolean;
}

/** Attention of one token over the cache, itself and its depth slots, from raw projections. Norm starts in `vectors`. */
export interface DecodeAttentionProblem {
  readonly dtype: 'f32' | 'f16';
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  /** Parts of the keys; the first holds the token and its slots, the others share the cache. */
  readonly splits: number;
  readonly scale: number;
  readonly qkNorm: 'none' | 'full' | 'head';
  readonly qNorm: number;
  readonly kNorm: number;
  readonly eps: number;
  readonly rotary: DecodeRotary | null;
  readonly depth: DecodeDepth | null;
  /** First elements of the layer's keys in `cacheK` and values in `cacheV`, multiples of 16 bytes; 0 by default. */
  readonly cacheStart?: { readonly k: number; readonly v: number };
}

/** Storage buffers that the kernel binds. */
export const DECODE_ATTENTION_BUFFERS = 10;
const NONE = 0xffffffff;
const THREADS = 128;
const AHEAD = 4;

/** How the kernel is tiled. */
export interface DecodeAttentionConfig {
  /** Keys of a thread whose loads are in flight together; 4, and 1 where compiling costs most or there are no subgroups. */
  readonly ahead?: 1 | 2 | 4;
}

/** Whether the kernel takes heads of this size: a power of two words of 16 bytes, at most 16 query heads for each key/value head. */
export function fitsDecodeAttention({
  dtype,
  H,
  Hkv,
  D,
}: Pick<DecodeAttentionProblem, 'dtype' | 'H' | 'Hkv' | 'D'>): boolean {
  const lanes = D / elementsPerVector(dtype);
  return Number.isInteger(Math.log2(lanes)) && lanes >= 1 && D <= 256 && H / Hkv <= 16;
}

/**
 * Plans QK-norm, RoPE, the writes to the cache and the depth slots, and attention of one token, in one pass.
 * Operands: `state` (i32: position, token, step), `raw`, `ffnKv` (with such a slot), `vectors`, `cacheK`, `cacheV`,
 * `depthK`, `depthV` (with depth), `out` f32 `[splits, H, D]`, `statistics` f32 `[splits, H, 2]`.
 *
 * @throws KernelError for heads that do not fit, too few storage buffers or too little workgroup memory, f16 without `caps.f16`
 * Reference: Zhu et al., "Mixture-of-Depths Attention"; Dao et al., "Flash-Decoding" (splits over keys).
 */
export function planDecodeAttention(
  problem: DecodeAttentionProblem,
  caps: DeviceCapabilities,
  config: DecodeAttentionConfig = {},
): KernelPlan {
  const { dtype, H, Hkv, D, splits, depth, rotary } = problem;
  requireDTypes('decode attention', caps, dtype);
  check(problem, caps);
  const G = H / Hkv;
  const values = elementsPerVector(dtype);
  const subgroup = fixedSubgroupSize(caps, THREADS);
  const hasSubgroups = subgroup !== null && D / values <= subgroup;
  // Without subgroups each sum over lanes takes barriers: keys are taken one at a time.
  const ahead = config.ahead ?? (hasSubgroups && !isSoftwareAdapter(caps) ? AHEAD : 1);
  const text = specialize(hasSubgroups ? source : withoutSubgroups(source), {
    IS_HALF: String(DTYPES[dtype].isHalf),
    SUBGROUPS: String(hasSubgroups),
    D: `${D}u`,
    G: `${G}u`,
    THREADS: `${THREADS}u`,
    AHEAD: `${ahead}u`,
    SUBGROUP: `${subgroup ?? 1}u`,
  });
  const absent: Record<string, number> = depth === null ? { absentK: 16, absentV: 16 } : {};
  return {
    passes: [
      {
        label: `decode-attention ${dtype} G=${G} D=${D}${depth ? ` S=${depth.end - depth.first}` : ''}`,
        shader: unroll(text, { G, AHEAD: ahead, FOURS: values / 4 }),
        constants: {
          QK_NORM: ['none', 'full', 'head'].indexOf(problem.qkNorm),
          IS_ROTARY: Number(rotary !== null),
          IS_INTERLEAVED: Number(rotary?.isInterleaved ?? false),
          NORM_DEPTH: Number(depth?.hasNorm ?? false),
          ROTATE_DEPTH: Number(depth?.hasRope ?? false),
        },
        bindings: [
          ...reads('state', 'raw', depth?.ffnKv ? 'ffnKv' : 'raw', 'vectors'),
          ...writes(
            'cacheK',
            'cacheV',
            depth ? 'depthK' : 'absentK',
            depth ? 'depthV' : 'absentV',
            'out',
            'statistics',
          ),
        ],
        uniform: attentionUniform(problem, values),
        workgroups: [Hkv, splits, 1],
      },
    ],
    workspace: absent,
  };
}

function attentionUniform(problem: DecodeAttentionProblem, values: number): ArrayBuffer {
  const { H, Hkv, D, splits, depth, rotary, cacheStart = { k: 0, v: 0 } } = problem;
  return uniformBlock([
    ...[H, Hkv, splits, depth?.first ?? 0],
    ...[depth?.end ?? 0, depth?.ffnKv?.slot ?? NONE, depth?.attentionKv?.slot ?? NONE, depth?.attentionKv?.start ?? 0],
    ...[depth?.ffnKv?.start ?? 0, problem.qNorm, problem.kNorm, depth?.ffnKv?.norm ?? 0],
    ...[{ f32: problem.eps }, { f32: problem.scale }, cacheStart.k / values, cacheStart.v / values],
    ...ropeFrequencies(D, D, rotary?.theta ?? 1, rotary?.frequencies),
  ]);
}

function check(problem: DecodeAttentionProblem, caps: DeviceCapabilities): void {
  const { dtype, H, Hkv, D, splits } = problem;
  if (!fitsDecodeAttention(problem) || H % Hkv !== 0 || splits < 2) {
    throw new KernelError(
      `kernels: decode attention needs D a power of 2 from ${elementsPerVector(dtype)} to 256, H/Hkv whole and at most 16, and at least 2 splits, got D=${D}, H=${H}, Hkv=${Hkv}, splits=${splits}. Use the general operators.`,
      { D, H, Hkv, splits },
    );
  }
  const values = elementsPerVector(dtype);
  const G = H / Hkv;
  const bytes = ((G + 3) * D + THREADS * values + ((THREADS * values) / D) * G * 2 + THREADS * 4) * 4;
  if (bytes > caps.maxWorkgroupMemoryBytes || caps.maxStorageBuffers < DECODE_ATTENTION_BUFFERS) {
    throw new KernelError(
      `kernels: decode attention needs ${bytes} B of workgroup memory and ${DECODE_ATTENTION_BUFFERS} storage buffers, this device allows ${caps.maxWorkgroupMemoryBytes} B and ${caps.maxStorageBuffers}. Use the general operators.`,
      { bytes },
    );
  }
}
