import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import { keepVariant } from '../plan/keep-variant.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { unroll } from '../plan/unroll.ts';
import { describeMatmulConfig, type GemvConfig } from './matmul-config.ts';
import gemvSource from './matmul-gemv.wgsl';
import { elementTypes, isAligned, productPass } from './matmul-pass.ts';
import type { MatmulProblem } from './matmul-problem.ts';
import { planSlices, sliceK } from './matmul-split.ts';
import { unsigned } from './matmul-uniform.ts';

/** Rows of A that the kernel takes; more are better served by tiles. */
export const GEMV_ROWS = 8;

/** Whether the few-rows kernel applies: B must be stored with K along its rows. */
export function isGemv({ M, b }: MatmulProblem): boolean {
  return M <= GEMV_ROWS && b.transposed;
}

/** Rows whose sums are added up by shuffles: each costs a shuffle of 16 bytes a halving, where barriers serve all rows. */
const SHUFFLED_ROWS = 4;

/** Whether lanes are added up by shuffles: few rows, and subgroups of one size that so many lanes divide. */
function shuffles({ M }: MatmulProblem, { subgroups }: DeviceCapabilities, lanes: number): boolean {
  const isFixed = subgroups !== null && subgroups.min === subgroups.max;
  return isFixed && subgroups.max % lanes === 0 && M <= SHUFFLED_ROWS;
}

/** Workgroup memory of a configuration at most, bytes: none where lanes are added up by shuffles. */
export function gemvMemoryBytes({ M }: MatmulProblem, { lanes, groups }: GemvConfig): number {
  return Math.min(M, GEMV_ROWS) * lanes * groups * 16;
}

/**
 * The variant for few rows: reads B once at the speed of memory.
 *
 * @throws KernelError for more than `GEMV_ROWS` rows, or a B with N along its rows
 */
export function planGemv(problem: MatmulProblem, capabilities: DeviceCapabilities, config: GemvConfig): KernelPlan {
  const { columns, lanes, groups, splitK } = config;
  if (
    !isGemv(problem) ||
    ![1, 2, 4].includes(columns) ||
    !Number.isInteger(Math.log2(lanes)) ||
    !(Number.isInteger(splitK) && splitK >= 1)
  ) {
    throw new KernelError(
      `kernels: ${describeMatmulConfig(config)} needs M <= ${GEMV_ROWS}, B stored [N, K], 1, 2 or 4 columns, lanes a power of 2 and splitK >= 1, got M=${problem.M}, transposed=${problem.b.transposed}. Use a register tile.`,
      { M: problem.M, config },
    );
  }
  const slices = sliceK(problem, splitK, 8);
  return planSlices(problem, capabilities, slices, (part) => {
    const { OutElement, BiasElement } = elementTypes(part);
    const isWideA = !part.a.transposed && isAligned(part, 'a', 8);
    const isWideB = isAligned(part, 'b', 8);
    return productPass(part, capabilities, slices, {
      label: describeMatmulConfig(config),
      source: unroll(
        specialize(keepVariant(gemvSource, shuffles(part, capabilities, lanes) ? 'subgroup' : 'memory'), {
          OutElement,
          BiasElement,
          AWord: isWideA ? 'vec4<u32>' : 'u32',
          BWord: isWideB ? 'vec4<u32>' : 'u32',
          A_IS_HALF: String(DTYPES[part.a.dtype].isHalf),
          B_IS_HALF: String(DTYPES[part.b.dtype].isHalf),
          A_IS_WIDE: String(isWideA),
          B_IS_WIDE: String(isWideB),
          ...unsigned({ ROWS: part.M, COLUMNS: columns, LANES: lanes, GROUPS: groups }),
        }),
        { ROWS: part.M, COLUMNS: columns },
      ),
      constants: { A_TRANSPOSED: Number(part.a.transposed) },
      workgroups: Math.ceil(part.N / (groups * columns)) * part.batch * slices.count,
    });
  });
}
