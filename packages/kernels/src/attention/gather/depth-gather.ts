import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { supportsDType } from '../../plan/dtype-support.ts';
import { elementBytes } from '../../plan/dtype-table.ts';
import { foldWorkgroups } from '../../plan/fold-workgroups.ts';
import { KernelError } from '../../plan/kernel-error.ts';
import { reads, writes } from '../../plan/pass-bindings.ts';
import type { KernelPlan } from '../../plan/plan.ts';
import { isSoftwareAdapter } from '../../plan/software-adapter.ts';
import { specialize } from '../../plan/specialize.ts';
import { unroll } from '../../plan/unroll.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import depthGather from './depth-gather.wgsl';

/** What one reader of the slots stored in its backward pass. */
export interface DepthReader {
  /** Its index on the first axis of `q` and `dOut`. */
  readonly row: number;
  /** Where its pairs of the first gathered slot start in `depthPairs`, counted in pairs. */
  readonly firstPair: number;
  readonly scale: number;
}

/** Gradients of `slots` neighbouring depth slots, at most `MAX_SLOTS`, all read by the same layers. */
export interface DepthGatherProblem extends Pick<AttentionProblem, 'B' | 'T' | 'H' | 'Hkv' | 'D' | 'Dv' | 'dtype'> {
  readonly slots: number;
  /** At most `MAX_READERS`. */
  readonly readers: readonly DepthReader[];
  /** Add to the outputs. */
  readonly accumulate: boolean;
}

/** Readers that one gather takes; more take several, the later ones with `accumulate`. */
export const MAX_READERS = 256;

/** Slots that one gather makes: a thread holds the sums of all of them. */
export const MAX_SLOTS = 4;

const THREADS = 128;
/** Readers of which a thread loads a row before it uses the first. */
const READERS_IN_FLIGHT = 4;

/** Why gradients of such slots cannot be gathered, or null when they can. */
export function gatherObstacle(
  { H, Hkv, D, Dv, dtype }: Pick<AttentionProblem, 'H' | 'Hkv' | 'D' | 'Dv' | 'dtype'>,
  capabilities: DeviceCapabilities,
): string | null {
  const width = 16 / elementBytes(dtype);
  if (!supportsDType(capabilities, dtype)) return `${dtype} storage needs the shader-${dtype} feature`;
  if (D % width !== 0 || Dv % width !== 0)
    return `D and Dv must be multiples of ${width} in ${dtype}, got D=${D}, Dv=${Dv}`;
  if (H % Hkv !== 0) return `H must be a multiple of Hkv, got H=${H}, Hkv=${Hkv}`;
  return null;
}

/**
 * Plans `dK[s] = sum_r scale_r sum_g dS_r[g,s] q_r[g]` and `dV[s] = sum_r sum_g p_r[g,s] dOut_r[g]` of up to four depth slots,
 * from what `planAttentionBackward` with `defersDepth` left. Each reader's row of q and dOut is read once; sums are f32, in
 * the order of `readers`.
 *
 * Operands in: `q [rows,B,T,H,D]`, `dOut [rows,B,T,H,Dv]`, `depthPairs` (pairs of p and dS, [S,B,T,H] a reader).
 * Operands out: `dDepthK [slots,B,T,Hkv,D]`, `dDepthV [slots,B,T,Hkv,Dv]` in `dtype`. No readers: zeros.
 *
 * @throws KernelError for shapes that `gatherObstacle` names, or too many readers or slots
 */
export function planDepthGather(
  problem: DepthGatherProblem,
  capabilities: DeviceCapabilities,
  readersInFlight = READERS_IN_FLIGHT,
): KernelPlan {
  const { B, T, Hkv, D, Dv, dtype, slots, readers } = problem;
  const obstacle = gatherObstacle(problem, capabilities);
  if (obstacle !== null)
    throw new KernelError(`depthGather: ${obstacle}. Accumulate the gradients instead.`, { obstacle });
  if (readers.length > MAX_READERS) {
    throw new KernelError(
      `depthGather: there must be at most ${MAX_READERS} readers, got ${readers.length}. Gather in several calls.`,
      { readers: readers.length },
    );
  }
  if (!(Number.isInteger(slots) && slots >= 1 && slots <= MAX_SLOTS)) {
    throw new KernelError(
      `depthGather: there must be 1 to ${MAX_SLOTS} slots, got ${slots}. Gather in several calls.`,
      {
        slots,
      },
    );
  }
  const bytes = elementBytes(dtype);
  const parts = 4 / bytes;
  const values = { BYTES: bytes, SLOTS: slots, READERS: readersInFlight, D, Dv };
  const bounds = { READERS: readersInFlight, SLOTS: slots, PARTS: parts };
  const constants = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${value}u`]));
  const columns = (Math.max(D, Dv) * bytes) / 16;
  return {
    passes: [
      {
        label: `attention-depth-gather ${slots} slots D=${D} Dv=${Dv}`,
        shader: specialize(isSoftwareAdapter(capabilities) ? depthGather : unroll(depthGather, bounds), constants),
        constants: {},
        bindings: [...reads('q', 'dOut', 'depthPairs'), ...writes('dDepthK', 'dDepthV')],
        uniform: gatherParams(problem),
        workgroups: foldWorkgroups(Math.ceil((2 * B * T * Hkv * columns) / THREADS), capabilities),
      },
    ],
    workspace: {},
  };
}

function gatherParams({ B, T, H, Hkv, readers, accumulate }: DepthGatherProblem): ArrayBuffer {
  const buffer = new ArrayBuffer(32 + 16 * MAX_READERS);
  const words = new Uint32Array(buffer);
  words.set([B * T, H, Hkv, readers.length, Number(accumulate)]);
  const floats = new Float32Array(buffer);
  for (const [index, { row, firstPair, scale }] of readers.entries()) {
    words.set([row, firstPair], 8 + 4 * index);
    floats[8 + 4 * index + 2] = scale;
  }
  return buffer;
}
