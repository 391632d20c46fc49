import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { elementsPerVector } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { unroll } from '../plan/unroll.ts';
import { describeMatmulConfig, type SubgroupMatrixTileConfig } from './matmul-config.ts';
import { hasFragment, haveHalves, matrixMemoryBytes, STRIP_WIDTH, subgroupCount } from './matmul-matrix-fit.ts';
import {
  areStartsAligned,
  elementTypes,
  isAligned,
  isRagged,
  operandBytes,
  productPass,
  standInOperand,
} from './matmul-pass.ts';
import { type MatmulProblem, storedShape } from './matmul-problem.ts';
import { planSlices, sliceK } from './matmul-split.ts';
import subgroupMatrixSource from './matmul-subgroup-matrix.wgsl';
import { unsigned } from './matmul-uniform.ts';

/** As many fragments of a row at once as memory holds. */
function rowFragments(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config: SubgroupMatrixTileConfig,
): number {
  const inRow = config.subgroupN / config.fragment[1];
  let count = inRow;
  while (
    count > 1 &&
    (inRow % count || matrixMemoryBytes(problem, config, count) > capabilities.maxWorkgroupMemoryBytes)
  )
    count--;
  return count;
}

/**
 * The subgroup-matrix variant: f16 operands only.
 *
 * @throws KernelError for other operands, a fragment that the device lacks, or numbers that do not divide each other
 */
export function planSubgroupMatrix(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config: SubgroupMatrixTileConfig,
): KernelPlan {
  requireUsable(problem, capabilities, config);
  const { blockM, blockN, blockK, splitK } = config;
  const slices = sliceK(problem, splitK, blockK);
  return planSlices(problem, capabilities, slices, (part) =>
    productPass(addsFirst(part) ? { ...part, accumulate: false } : part, capabilities, slices, {
      label: `${describeMatmulConfig(config)}${isWide(part) ? '' : ' unaligned'}`,
      source: unroll(
        specialize(subgroupMatrixSource, specialization(part, capabilities, config)),
        iterationsOfLoops(part, capabilities, config),
      ),
      constants: {
        SWIZZLE: config.band ?? 8,
        RAGGED: Number(isRagged(part, blockM, blockN, blockK)),
        PREFETCH: Number(config.prefetch),
      },
      workgroups: Math.ceil(part.M / blockM) * Math.ceil(part.N / blockN) * part.batch * slices.count,
    }),
  );
}

/** Whether what is in out can be added to the sums before the epilogue: it does nothing else to them. */
function addsFirst(problem: MatmulProblem): boolean {
  const { accumulate = false, alpha = 1, bias, residual, activation = 'none' } = problem;
  const isPlain = alpha === 1 && !bias && !residual && activation === 'none';
  return accumulate && isPlain && outWidth(problem) > 1;
}

/** Iterations of the loops that are written out, by their bounds. */
function iterationsOfLoops(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config: SubgroupMatrixTileConfig,
): Record<string, number> {
  const [M, N, K] = config.fragment;
  const [rows, inRow] = [config.subgroupM / M, config.subgroupN / N];
  const together = rowFragments(problem, capabilities, config);
  const quads = outWidth(problem) === 8 ? 2 : 1;
  const groups = (together * M * N) / (4 * quads);
  return {
    FRAGS_M: rows,
    FRAGS_N: inRow,
    K_FRAGS: config.blockK / K,
    A_LOADS: loads(config.blockM, capabilities, config),
    B_LOADS: loads(config.blockN, capabilities, config),
    ROW_FRAGS: together,
    ALL_ROUNDS: (rows * inRow) / together,
    LANE_GROUPS: addsFirst(problem) ? Math.ceil(groups / (capabilities.subgroups?.max ?? 32)) : 0,
    QUADS: quads,
  };
}

/** Whether both operands are read 16 bytes at a time: several times as fast as number by number. */
function isWide(problem: MatmulProblem): boolean {
  return isWideInput(problem, 'a') && isWideInput(problem, 'b');
}

/**
 * Whether an operand is read 16 bytes at a time. The last word of a row may reach over M or N, into what lies between the rows: it
 * makes rows and columns that are not written. Over K it may not, for that would be added up.
 */
function isWideInput(problem: MatmulProblem, name: 'a' | 'b'): boolean {
  const { ld, transposed } = problem[name];
  const [, columns] = storedShape(problem, name);
  const isRowOfK = transposed === (name === 'b');
  if (isRowOfK || ld < Math.ceil(columns / 8) * 8) return isAligned(problem, name, 8);
  return areStartsAligned(problem, name, 8);
}

function specialization(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config: SubgroupMatrixTileConfig,
): Record<string, string> {
  const { blockM, blockN, blockK, stages, fragment } = config;
  const [isWideA, isWideB] = [isWideInput(problem, 'a'), isWideInput(problem, 'b')];
  return {
    BiasElement: elementTypes(problem).BiasElement,
    ...outWords(problem),
    AWord: isWideA ? 'vec4<u32>' : 'u32',
    BWord: isWideB ? 'vec4<u32>' : 'u32',
    A_TRANSPOSED: String(problem.a.transposed),
    B_TRANSPOSED: String(problem.b.transposed),
    ADDS_FIRST: String(addsFirst(problem)),
    ...unsigned({
      A_WIDTH: isWideA ? 8 : 2,
      B_WIDTH: isWideB ? 8 : 2,
      BLOCK_M: blockM,
      BLOCK_N: blockN,
      BLOCK_K: blockK,
      STAGES: stages,
      FRAG_M: fragment[0],
      FRAG_N: fragment[1],
      FRAG_K: fragment[2],
      FRAGS_M: config.subgroupM / fragment[0],
      FRAGS_N: config.subgroupN / fragment[1],
      SUBGROUP_SIZE: capabilities.subgroups?.max ?? 32,
      ROW_FRAGS: rowFragments(problem, capabilities, config),
    }),
  };
}

/** Elements of out and residual that are accessed at once: 16 bytes where every row starts and ends on a multiple of them, or one. */
function outWidth(problem: MatmulProblem): number {
  const width = elementsPerVector(problem.out.dtype);
  const standIn = operandBytes(problem, standInOperand(problem));
  return isAligned(problem, 'out', width) && isAligned(problem, 'residual', width) && standIn >= 16 ? width : 1;
}

/** The words of out and residual, and the masks of a word's lanes. */
function outWords(problem: MatmulProblem): Record<string, string> {
  const { dtype } = problem.out;
  const isWide = outWidth(problem) > 1;
  const lane = (index: number) =>
    isWide ? `vec4<bool>(${[0, 1, 2, 3].map((other) => other === index).join(', ')})` : 'false';
  return {
    OutWord: isWide ? 'vec4<u32>' : dtype,
    OutLane: isWide ? 'u32' : dtype,
    ...unsigned({ OUT_WIDTH: outWidth(problem) }),
    LANE_Y: lane(1),
    LANE_Z: lane(2),
    LANE_W: lane(3),
  };
}

/** 16-byte words of an operand that each invocation stages per tile. */
function loads(across: number, capabilities: DeviceCapabilities, config: SubgroupMatrixTileConfig): number {
  const threads = subgroupCount(config) * (capabilities.subgroups?.max ?? 32);
  return Math.ceil((across * config.blockK) / 8 / threads);
}

function requireUsable(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config: SubgroupMatrixTileConfig,
): void {
  const name = describeMatmulConfig(config);
  if (!haveHalves(problem)) {
    throw new KernelError(
      `kernels: ${name} multiplies f16 operands, got ${problem.a.dtype} and ${problem.b.dtype}. Use a register tile, or cast them.`,
      { a: problem.a.dtype, b: problem.b.dtype },
    );
  }
  if (!hasFragment(capabilities, config.fragment)) {
    throw new KernelError(
      `kernels: ${name} needs f16 fragments of ${config.fragment.join('x')} with f32 sums and one subgroup size; the device lacks them. Use a fragment it lists, or a register tile.`,
      { fragment: config.fragment, available: capabilities.subgroupMatrix, subgroups: capabilities.subgroups },
    );
  }
  const { blockM, blockN, blockK, subgroupM, subgroupN, fragment, splitK } = config;
  const rests = [
    blockM % subgroupM,
    blockN % subgroupN,
    subgroupM % fragment[0],
    subgroupN % fragment[1],
    blockK % fragment[2],
    blockK % 8,
    blockM % STRIP_WIDTH,
    blockN % STRIP_WIDTH,
    STRIP_WIDTH % fragment[0],
    STRIP_WIDTH % fragment[1],
  ];
  if (rests.some((rest) => rest !== 0) || !(Number.isInteger(splitK) && splitK >= 1)) {
    throw new KernelError(
      `kernels: ${name} must have blocks in multiples of subgroup tiles, these in multiples of fragments, blockM and blockN in multiples of 32, blockK of 8 and splitK >= 1. Correct the configuration.`,
      { config },
    );
  }
}
