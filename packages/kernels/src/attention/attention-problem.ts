import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { supportsDType } from '../plan/dtype-support.ts';
import { elementBytes } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { SMALLER_OPERAND } from '../plan/smaller-operand.ts';

/** Where a query's depth keys lie, and which it sees. */
export interface DepthProblem {
  /** Slots in use; those at or beyond S are never read. S = 0 binds no depth memory. */
  readonly S: number;
  /** Slots held by each segment operand (`depthK0`, `depthK1`, ...); the sum is at least S. */
  readonly segments: readonly number[];
  /** Positions of a slot; query i sits at depth index `Td - T + i`. */
  readonly Td: number;
  /** `C` of modaChunkVisible: a query sees all slots of its own position and of the earlier ones of its chunk. 1 is MoDA. */
  readonly chunk: number;
  /** Absolute position of depth index 0, modulo `chunk`; without `docRange`. */
  readonly chunkPhase: number;
}

/**
 * One softmax of each query over the union of sequence keys and depth keys: `attention`, `depthAttention`, `moda`, `modaChunkVisible`.
 * Operands are contiguous, by name: `q [B,T,H,D]`, `k [B,keyCapacity,Hkv,D]`, `v [B,keyCapacity,Hkv,Dv]`, `docRange i32 [B,T,2]`,
 * `depthK0.. [slots,B,Td,Hkv,D]`, `depthV0.. [slots,B,Td,Hkv,Dv]`, `out [B,T,H,Dv]`, `lse f32 [B,H,T]` (natural log).
 */
export interface AttentionProblem {
  readonly B: number;
  readonly T: number;
  /** Sequence keys; query i sits at key index `Tk - T + i`. */
  readonly Tk: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv: number;
  /** Positions allocated per batch row of k, v, dk and dv, of which the first Tk are used; default Tk. */
  readonly keyCapacity?: number;
  /** Storage of q, k, v, depth, out and of their gradients dq, dk, dv, dOut. */
  readonly dtype: 'f32' | 'f16';
  readonly scale: number;
  /** c of the cap `c tanh(s / c)` on scaled scores s, of sequence and of depth keys; none by default. A constant of the pipelines. */
  readonly softcap?: number;
  readonly causal: boolean;
  /** Sequence key j is visible only if `position - j < window`. */
  readonly window?: number;
  /**
   * Operand `docRange` bounds each row's sequence keys to `[start, end)`; both monotone over t.
   * In depth with chunk > 1, chunks count from `start`; the own position is always visible.
   */
  readonly hasDocRange?: boolean;
  readonly depth: DepthProblem | null;
  /** False: depth attention alone; k, v, dk, dv are not bound. */
  readonly hasSequence: boolean;
  /** Backward: the gradient of `lse` comes in as `dLse f32 [B,H,T]`. */
  readonly dLse?: boolean;
  /** Backward: `dk` and `dv` are added to what is there. */
  readonly accumulateKeys?: boolean;
  /** Backward: storage of `dDepthK0..`, `dDepthV0..`, and whether they are added to. Default: `dtype`, overwritten. */
  readonly depthGrad?: { readonly dtype: 'f32' | 'f16'; readonly accumulate: boolean };
  /**
   * Backward: no depth gradient is made; `depthPairs [S,B,T,H]` takes pairs (p, dS) in `dtype` instead, from which
   * `planDepthGather` makes the gradients of all readers at once. Chunk 1 and Td = T only.
   */
  readonly defersDepth?: boolean;
}

/** Largest D and Dv of the family. */
export const MAX_HEAD_DIM = 256;

/**
 * Throws unless the problem makes sense and every undivided operand fits one binding.
 *
 * @throws KernelError with the numbers and the cure
 */
export function validateAttention(problem: AttentionProblem, capabilities: DeviceCapabilities): void {
  const { B, T, Tk, H, Hkv, D, Dv, depth, dtype } = problem;
  const sizes = { B, T, Tk, H, Hkv, D, Dv };
  for (const [name, size] of Object.entries(sizes)) {
    const least = name === 'Tk' && !problem.hasSequence ? 0 : 1;
    require(Number.isInteger(size) &&
      size >= least, `${name} must be an integer >= ${least}`, `${size}`, 'Check the shapes.');
  }
  require(H % Hkv === 0, 'H must be a multiple of Hkv', `H=${H}, Hkv=${Hkv}`, `Set nKvHeads to a divisor of ${H}.`);
  require(Math.max(D, Dv) <=
    MAX_HEAD_DIM, `D and Dv must be at most ${MAX_HEAD_DIM}`, `D=${D}, Dv=${Dv}`, 'Use more heads of fewer dimensions.');
  require(Number.isFinite(problem.scale), 'scale must be finite', `${problem.scale}`, 'Use 1 / sqrt(D).');
  const { softcap, window, keyCapacity = Tk } = problem;
  require(softcap === undefined ||
    (softcap > 0 &&
      Number.isFinite(softcap)), 'softcap must be finite and above 0', `${softcap}`, 'Leave it out for no cap.');
  require(window === undefined ||
    (Number.isInteger(window) &&
      window >= 1), 'window must be an integer >= 1', `${window}`, 'Leave it out for no window.');
  require(keyCapacity >=
    Tk, 'keyCapacity must be at least Tk', `keyCapacity=${keyCapacity}, Tk=${Tk}`, 'Grow the cache first.');
  require(problem.hasSequence ||
    depth !== null, 'a problem without sequence keys must have depth keys', 'depth=null', 'Set hasSequence.');
  if (depth) validateDepth(depth, T);
  require(!problem.defersDepth ||
    (depth?.chunk === 1 &&
      depth.Td ===
        T), 'deferred depth gradients need chunk 1 and Td = T', `chunk=${depth?.chunk}, Td=${depth?.Td}`, 'Accumulate them.');
  const dtypes = [dtype, problem.depthGrad?.dtype ?? dtype];
  for (const stored of dtypes) {
    require(supportsDType(
      capabilities,
      stored,
    ), `${stored} storage needs the shader-${stored} feature`, 'a device without it', 'Use f32.');
  }
  require(capabilities.maxStorageBuffers >=
    8, 'a pass needs 8 storage buffers', `${capabilities.maxStorageBuffers}`, 'Request the limit of the adapter.');
  const bytes = elementBytes(dtype);
  const operands = {
    q: B * T * H * D * bytes,
    out: B * T * H * Dv * bytes,
    k: problem.hasSequence ? B * keyCapacity * Hkv * D * bytes : 0,
    v: problem.hasSequence ? B * keyCapacity * Hkv * Dv * bytes : 0,
    lse: B * H * T * 8,
    depthPairs: problem.defersDepth && depth ? depth.S * B * T * H * bytes * 2 : 0,
  };
  for (const [name, size] of Object.entries(operands)) {
    require(size <=
      capabilities.maxBindingBytes, `${name} must fit one binding of ${capabilities.maxBindingBytes} B`, `${size} B`, SMALLER_OPERAND);
  }
}

function validateDepth(depth: DepthProblem, T: number): void {
  const { S, segments, Td, chunk, chunkPhase } = depth;
  const slots = segments.reduce((sum, count) => sum + count, 0);
  require(Number.isInteger(S) && S >= 0, 'S must be an integer >= 0', `${S}`, 'S counts the slots in use.');
  require(slots >=
    S, 'the segments must hold S slots', `S=${S}, segments=[${segments.join(', ')}]`, 'Allocate more slots or lower S.');
  require(Td >= T, 'Td must be at least T', `Td=${Td}, T=${T}`, 'Give every query a position in each slot.');
  require(Number.isInteger(chunk) && chunk >= 1, 'chunk must be an integer >= 1', `${chunk}`, 'Use 1 for MoDA.');
  require(Number.isInteger(chunkPhase) &&
    chunkPhase >= 0, 'chunkPhase must be an integer >= 0', `${chunkPhase}`, 'Take it modulo chunk.');
}

function require(condition: boolean, rule: string, got: string, cure: string): void {
  if (!condition) throw new KernelError(`attention: ${rule}, got ${got}. ${cure}`, { rule, got });
}
