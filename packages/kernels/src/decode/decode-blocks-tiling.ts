import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { elementsPerVector } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import type { DecodeBlocksProblem } from './decode-blocks-problem.ts';
import { RESIDENT_MEMORY_BYTES } from './resident-workgroups.ts';
import { fixedSubgroupSize } from './subgroup-size.ts';

/** How the kernel is tiled. */
export interface DecodeBlocksConfig {
  readonly threads?: number;
  /** Keys of a thread whose loads are in flight together. */
  readonly ahead?: 1 | 2 | 4;
  /** Workgroups at most, instead of those that are resident: a device that does not run them together gives NaN. */
  readonly workgroups?: number;
  /** Polls of a wait before the kernel gives up; about a second by default. */
  readonly polls?: number;
  /** Keys that one split is meant for. */
  readonly keysASplit?: number;
}

/** Storage buffers that the kernel binds. */
export const DECODE_BLOCKS_BUFFERS = 14;
/** Words of weights that one thread may hold for a product: registers. */
const MAX_WORDS = 48;

/** Threads of a workgroup on GPUs, and where threads are emulated. */
const threadsOf = (caps: DeviceCapabilities): number =>
  Math.min(isSoftwareAdapter(caps) ? 64 : 512, caps.maxInvocations);

/** Lanes that share a row of `words`: the most that divide it, whole subgroups. 0 when there are none. */
function lanesOf(words: number, subgroup: number, threads: number): number {
  if (subgroup === 0) return 0;
  let best = 0;
  for (let lanes = subgroup; lanes <= threads; lanes += subgroup) if (words % lanes === 0) best = lanes;
  return best;
}

/** One product of a block, as the workgroups divide it. */
interface ProductTiling {
  /** Rows of a workgroup. */
  readonly rows: number;
  /** Rows of a group of lanes, one after the other. */
  readonly rounds: number;
  /** Words of a lane in each row. */
  readonly steps: number;
  /** Partial sums of a workgroup. */
  readonly partials: number;
}

/** Sizes that follow from the problem and the device. */
export interface DecodeBlocksTiling {
  readonly threads: number;
  /** 0 when subgroups have no one size. */
  readonly subgroup: number;
  readonly lanes: { readonly C: number; readonly A: number; readonly F: number };
  readonly hasAttentionKv: boolean;
  readonly hasFfnKv: boolean;
  readonly workgroups: number;
  readonly ahead: number;
  readonly keysASplit: number;
  readonly products: Readonly<Record<'raw' | 'out' | 'pairs' | 'ffnKv' | 'down', ProductTiling>>;
  /** Most words of weights that a thread holds for one product. */
  readonly words: number;
  readonly partials: number;
  /** Bytes of workgroup memory. */
  readonly memory: number;
}

/** Divides the rows of every product among workgroups, groups of lanes and lanes. */
export function tileDecodeBlocks(
  problem: DecodeBlocksProblem,
  caps: DeviceCapabilities,
  config: DecodeBlocksConfig,
): DecodeBlocksTiling {
  const { dtype, C, F, H, Hkv, D, blocks } = problem;
  const values = elementsPerVector(dtype);
  const [A, width] = [H * D, 2 * Hkv * D];
  const threads = config.threads ?? threadsOf(caps);
  const subgroup = fixedSubgroupSize(caps, threads) ?? 0;
  const [ofC, ofA, ofF] = [C, A, F].map((K) => lanesOf(K / values, subgroup, threads));
  const hasAttentionKv = blocks.some(({ attentionKv }) => attentionKv !== null);
  const hasFfnKv = blocks.some(({ ffnSlot }) => ffnSlot !== null);
  // Every workgroup has rows of the outputs: nobody falls behind unnoticed.
  const outputRows = Math.ceil(C / Math.max(1, Math.min(config.workgroups ?? problem.residentWorkgroups, C)));
  const workgroups = Math.ceil(C / outputRows);
  const tiling = (N: number, K: number, lanes: number): ProductTiling => {
    const rows = Math.ceil(N / workgroups);
    const rounds = Math.ceil(rows / Math.max(1, Math.floor(threads / Math.max(1, lanes))));
    return { rows, rounds, steps: K / values / Math.max(1, lanes), partials: (rows * lanes) / Math.max(1, subgroup) };
  };
  const products = {
    raw: tiling(A + width + (hasAttentionKv ? width : 0), C, ofC!),
    out: tiling(C, A, ofA!),
    pairs: tiling(F, C, ofC!),
    ffnKv: tiling(hasFfnKv ? width : 0, C, ofC!),
    down: tiling(C, F, ofF!),
  };
  const { raw, out, pairs, ffnKv, down } = products;
  const partials = Math.max(raw.partials, out.partials, 2 * pairs.partials + ffnKv.partials, down.partials, 1);
  const gated = (2 * pairs.rounds + ffnKv.rounds) * pairs.steps;
  return {
    threads,
    subgroup,
    lanes: { C: ofC!, A: ofA!, F: ofF! },
    hasAttentionKv,
    hasFfnKv,
    workgroups,
    products,
    partials,
    ahead: config.ahead ?? (isSoftwareAdapter(caps) ? 1 : 2),
    keysASplit: config.keysASplit ?? 64,
    words: Math.max(raw.rounds * raw.steps, out.rounds * out.steps, gated, down.rounds * down.steps),
    memory: memoryOf(problem, partials, threads / Math.max(1, subgroup)),
  };
}

/** Bytes of workgroup memory, as the shader's header counts them. */
function memoryOf({ C, H, Hkv, D, depth }: DecodeBlocksProblem, partials: number, subgroups: number): number {
  const [A, G] = [H * D, H / Hkv];
  const numbers = A + Hkv * D + D + (depth ? 2 * (Hkv + 1) * D : 0);
  const attention = numbers + (G + 3) * D + subgroups * G * (D + 2);
  return 4 * (Math.max(C, A) + 2 * partials + 5 * subgroups + attention) + 16;
}

/** @throws KernelError when the kernel does not fit the problem or the device */
export function checkDecodeBlocks(
  problem: DecodeBlocksProblem,
  caps: DeviceCapabilities,
  tiling: DecodeBlocksTiling,
): void {
  const { dtype, C, F, H, Hkv, D, splits, storages } = problem;
  const lanes = D / elementsPerVector(dtype);
  const fitsHeads = Number.isInteger(Math.log2(lanes)) && lanes >= 1 && lanes <= tiling.subgroup && H % Hkv === 0;
  if (tiling.subgroup < 4 || !fitsHeads || Math.min(...Object.values(tiling.lanes)) === 0 || splits < 2) {
    throw new KernelError(
      `kernels: decode blocks needs subgroups of one size of at least 4, C, F and H*D multiples of that many 16-byte words, D a power of 2 within a subgroup and at least 2 splits, got C=${C}, F=${F}, H=${H}, Hkv=${Hkv}, D=${D}, splits=${splits}, subgroups of ${tiling.subgroup}. Use a kernel for each product.`,
      { C, F, H, Hkv, D, splits, subgroup: tiling.subgroup },
    );
  }
  if (problem.residentWorkgroups < 1 || tiling.words > MAX_WORDS) {
    throw new KernelError(
      `kernels: decode blocks needs workgroups enough that a thread holds at most ${MAX_WORDS} words of weights, got ${tiling.words} with ${problem.residentWorkgroups} resident workgroups. Use a kernel for each product.`,
      { words: tiling.words, residentWorkgroups: problem.residentWorkgroups },
    );
  }
  const most = Math.min(caps.maxWorkgroupMemoryBytes, RESIDENT_MEMORY_BYTES);
  const isSmall = tiling.memory > most || caps.maxStorageBuffers < DECODE_BLOCKS_BUFFERS;
  if (isSmall || storages < 1 || storages > 4) {
    throw new KernelError(
      `kernels: decode blocks needs ${tiling.memory} B of workgroup memory, ${DECODE_BLOCKS_BUFFERS} storage buffers and weights in 1 to 4 of them, it may have ${most} B and ${caps.maxStorageBuffers}, weights are in ${storages}. Use a kernel for each product.`,
      { bytes: tiling.memory, storages },
    );
  }
}
