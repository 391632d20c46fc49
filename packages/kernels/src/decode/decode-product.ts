import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES, elementsPerVector } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan, PassBinding } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import source from './decode-product.wgsl';
import { withoutSubgroups } from './subgroup-lines.ts';
import { fixedSubgroupSize } from './subgroup-size.ts';

/** One weight `[rows, K]` of a product. Starts in elements; `out` is where its results go, `bias` where its biases lie in `vectors`. */
export interface DecodeWeight {
  readonly rows: number;
  readonly start: number;
  readonly out: number;
  readonly bias: number | null;
}

/** What a product multiplies with: a row as it is, partial attention to merge, or the residual sum with its norms. */
export type DecodeInput =
  | { readonly kind: 'plain' }
  | { readonly kind: 'merge'; readonly splits: number; readonly headDim: number }
  | {
      readonly kind: 'residual';
      /** Whether there is a sub-layer's output `y` to add to `x`. */
      readonly hasY: boolean;
      /** Norm of y before the sum (`y`), of the sum (`sum`) or none; its weight starts at `norm` in `vectors`. */
      readonly normOf: 'y' | 'sum' | null;
      readonly norm: number;
      /** Start of the weight of a norm of the finished sum, or null. */
      readonly inputNorm: number | null;
      /** Whether the finished sum is stored in `carry`. */
      readonly hasCarry: boolean;
      readonly eps: number;
    };

/** A row times up to four weights. */
export interface DecodeProductProblem {
  readonly dtype: 'f32' | 'f16';
  readonly K: number;
  readonly input: DecodeInput;
  readonly weights: readonly DecodeWeight[];
  /** Weights 0 and 1 are gate and up: their results become `silu(gate) * up`. */
  readonly isPaired: boolean;
}

/** How a product is tiled; the defaults suit what was measured (`bench/decode.ts`). */
export interface DecodeProductConfig {
  readonly columns?: 1 | 2 | 4;
  readonly threads?: 64 | 128 | 256;
  /** Words that each thread fetches of each row before it needs the input. */
  readonly steps?: number;
  /** Workgroups of a long product; each walks several blocks. */
  readonly maxWorkgroups?: number;
}

/** Storage buffers that the product binds. */
export const DECODE_PRODUCT_BUFFERS = 9;
const NONE = 0xffffffff;

/** Values of one 16-byte word, or of the 4-byte words of rows that are no multiple of it. */
function wordOf({ dtype, K, weights }: DecodeProductProblem): { isWide: boolean; values: number } {
  const wide = elementsPerVector(dtype);
  const isWide = [K, ...weights.map(({ start }) => start)].every((n) => n % wide === 0);
  return { isWide, values: isWide ? wide : 2 };
}

/**
 * Plans `out = epilogue(input . weights^T + bias)` for one row, bound by reading the weights once.
 * Operands: `x`, `y`, `vectors`, `w0`.., `out`, `carry`, as far as the problem has them; all but the weights f32.
 *
 * @throws KernelError for K no multiple of 4, for halves with odd starts, more than four weights, a device with fewer than
 * nine storage buffers or too little workgroup memory, and for f16 without `caps.f16`
 */
export function planDecodeProduct(
  problem: DecodeProductProblem,
  caps: DeviceCapabilities,
  config: DecodeProductConfig = {},
): KernelPlan {
  const { dtype, K, input, weights, isPaired } = problem;
  requireDTypes('decode product', caps, dtype);
  check(problem, caps);
  const { isWide, values } = wordOf(problem);
  const tiling = tilingOf(problem, caps, values, config);
  const { lanes, steps, columns, threads, part } = tiling;
  const { blocks, firstBlocks } = blocksOfParts(problem, threads / lanes, columns);
  const text = specialize(tiling.subgroup === null ? withoutSubgroups(source) : source, {
    Word: isWide ? 'vec4<u32>' : 'u32',
    IS_WIDE: String(isWide),
    IS_HALF: String(DTYPES[dtype].isHalf),
    COLUMNS: `${columns}u`,
    STEPS: `${steps}u`,
    LANES: `${lanes}u`,
    THREADS: `${threads}u`,
    PART: `${part}u`,
    INPUT_WORDS: `${input.kind === 'plain' ? 1 : K / 4}u`,
    INPUT: `${['plain', 'merge', 'residual'].indexOf(input.kind)}u`,
    PARTS: `${weights.length}u`,
    PAIRED: String(isPaired),
  });
  const residual = input.kind === 'residual' ? input : null;
  const carry = residual?.hasCarry ? 'carry' : 'absent';
  return {
    passes: [
      {
        label: `decode-product ${input.kind}${isPaired ? ' gated' : ''} ${dtype} ${K}x${weights.reduce((n, { rows }) => n + rows, 0)}`,
        shader: unroll(text, { COLUMNS: columns, STEPS: steps }),
        constants: {
          HAS_Y: Number(residual?.hasY ?? false),
          NORM_Y: Number(residual?.normOf === 'y'),
          NORM_SUM: Number(residual?.normOf === 'sum'),
          NORM_INPUT: Number(residual !== null && residual.inputNorm !== null),
          HAS_CARRY: Number(carry === 'carry'),
        },
        bindings: productBindings(problem, carry),
        uniform: productUniform(problem, blocks, firstBlocks, values),
        workgroups: [Math.min(blocks, config.maxWorkgroups ?? tiling.maxWorkgroups), 1, 1],
      },
    ],
    workspace: carry === 'absent' ? { absent: 16 } : {},
  };
}

/** Blocks of rows of all parts, and the first block of each: NONE for up, which the blocks of gate take along. */
function blocksOfParts({ weights, isPaired }: DecodeProductProblem, groups: number, columns: number) {
  const blocksOf = weights.map(({ rows }, w) =>
    isPaired && w < 2 ? (w === 0 ? Math.ceil(rows / groups) : 0) : Math.ceil(rows / (groups * columns)),
  );
  // Gate and up are one part: blocks of up (part 1) would begin where the next part does.
  let before = 0;
  const firstBlocks = blocksOf.map((count, w) => {
    const first = isPaired && w === 1 ? NONE : before;
    before += count;
    return first;
  });
  return { blocks: before, firstBlocks };
}

function productBindings({ input, weights }: DecodeProductProblem, carry: string): PassBinding[] {
  const hasY = input.kind === 'merge' || (input.kind === 'residual' && input.hasY);
  const weightName = (w: number): string => (w < weights.length ? `w${w}` : 'w0');
  return [
    ...reads('x', hasY ? 'y' : 'x', 'vectors'),
    ...[0, 1, 2, 3].map((w) => ({ buffer: weightName(w), access: 'read' as const })),
    ...writes('out', carry),
  ];
}

function productUniform(
  { K, input, weights }: DecodeProductProblem,
  blocks: number,
  firstBlocks: readonly number[],
  values: number,
): ArrayBuffer {
  const residual = input.kind === 'residual' ? input : null;
  const merge = input.kind === 'merge' ? input : null;
  const four = (list: readonly number[], rest: number): number[] =>
    Array.from({ length: 4 }, (_, i) => list[i] ?? rest);
  const ofWeights = (value: (weight: DecodeWeight) => number, rest: number): number[] => four(weights.map(value), rest);
  return uniformBlock([
    ...[K, blocks, residual?.norm ?? 0, residual?.inputNorm ?? 0],
    ...[merge?.splits ?? 1, merge?.headDim ?? 4, { f32: residual?.eps ?? 0 }, 0],
    ...ofWeights(({ rows }) => rows, 1),
    ...four(firstBlocks, NONE),
    ...ofWeights(({ out }) => out, 0),
    ...ofWeights(({ bias }) => bias ?? NONE, NONE),
    ...ofWeights(({ start }) => start / values, 0),
  ]);
}

function check({ dtype, K, weights, isPaired, input }: DecodeProductProblem, caps: DeviceCapabilities): void {
  const isEven = dtype === 'f32' || weights.every(({ start }) => start % 2 === 0);
  if (K % 4 !== 0 || K === 0 || !isEven || weights.length < (isPaired ? 2 : 1) || weights.length > 4) {
    throw new KernelError(
      `kernels: decode product needs K a multiple of 4, even starts of halves and 1 to 4 weights, got K=${K}, ${weights.length} weights. Use the general operators.`,
      { K, weights },
    );
  }
  if (caps.maxStorageBuffers < DECODE_PRODUCT_BUFFERS) {
    throw new KernelError(
      `kernels: decode product binds ${DECODE_PRODUCT_BUFFERS} storage buffers, this device allows ${caps.maxStorageBuffers}. Use the general operators.`,
    );
  }
  const bytes = (input.kind === 'plain' ? 0 : K * 4) + 256 * 5 * 4;
  if (bytes > caps.maxWorkgroupMemoryBytes) {
    throw new KernelError(
      `kernels: decode product needs ${bytes} B of workgroup memory at K=${K}, this device allows ${caps.maxWorkgroupMemoryBytes} B. Use the general operators.`,
      { bytes },
    );
  }
}

/** Lanes enough that a row takes at most `steps` words of each; rows together where there are many. */
function tilingOf(
  { K, weights, isPaired }: DecodeProductProblem,
  caps: DeviceCapabilities,
  values: number,
  config: DecodeProductConfig,
) {
  const threads = Math.min(config.threads ?? 256, caps.maxInvocations);
  const subgroup = fixedSubgroupSize(caps, threads);
  const words = K / values;
  const wanted = config.steps ?? 4;
  let lanes = subgroup ?? 32;
  while (lanes * wanted < words && lanes < threads) lanes *= 2;
  const rows = weights.reduce((total, weight) => total + weight.rows, 0);
  const columns = isPaired ? 2 : (config.columns ?? (rows >= 32768 ? 4 : 1));
  const steps = Math.min(wanted, Math.ceil(words / lanes));
  // A workgroup that walks many blocks prepares its input once; enough of them remain to fill the largest devices.
  return { threads, subgroup, lanes, steps, columns, part: subgroup ?? 1, maxWorkgroups: 1056 };
}
