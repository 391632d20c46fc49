import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { describeMatmulConfig, type TileConfig } from './matmul-config.ts';
import { elementTypes, isAligned, isRagged, outWords, productPass } from './matmul-pass.ts';
import type { MatmulProblem } from './matmul-problem.ts';
import { planSlices, sliceK } from './matmul-split.ts';
import tileSource from './matmul-tile.wgsl';
import { unsigned } from './matmul-uniform.ts';

/** vec4s of padding at the end of a staged row, against bank conflicts. */
const PAD = 1;

/** Invocations of a workgroup. */
export function tileThreads(config: TileConfig): number {
  return (config.blockM / config.threadM) * (config.blockN / config.threadN);
}

/** Workgroup memory of a configuration, bytes. */
export function tileMemoryBytes(config: TileConfig): number {
  return (config.blockM + config.blockN + 8 * PAD) * config.blockK * config.stages * 4;
}

/**
 * The register-tile variant.
 *
 * @throws KernelError when the configuration's numbers do not divide each other
 */
export function planTile(problem: MatmulProblem, capabilities: DeviceCapabilities, config: TileConfig): KernelPlan {
  requireDivisible(config);
  const { blockM, blockN, blockK, splitK } = config;
  const slices = sliceK(problem, splitK, blockK);
  return planSlices(problem, capabilities, slices, (part) =>
    productPass(part, capabilities, slices, {
      label: describeMatmulConfig(config),
      source: specialize(tileSource, specialization(part, config)),
      constants: {
        SWIZZLE: config.band ?? 8,
        A_TRANSPOSED: Number(part.a.transposed),
        B_TRANSPOSED: Number(part.b.transposed),
        RAGGED: Number(isRagged(part, blockM, blockN, blockK)),
      },
      workgroups: Math.ceil(part.M / blockM) * Math.ceil(part.N / blockN) * part.batch * slices.count,
    }),
  );
}

function specialization(problem: MatmulProblem, config: TileConfig): Record<string, string> {
  const { blockM, blockN, blockK, threadM, threadN, stages } = config;
  const isWideA = isAligned(problem, 'a', 4);
  const isWideB = isAligned(problem, 'b', 4);
  return {
    ...elementTypes(problem),
    ...outWords(problem),
    AWord: isWideA ? `vec4<${problem.a.dtype}>` : problem.a.dtype,
    BWord: isWideB ? `vec4<${problem.b.dtype}>` : problem.b.dtype,
    ...unsigned({
      A_WIDTH: isWideA ? 4 : 1,
      B_WIDTH: isWideB ? 4 : 1,
      BLOCK_M: blockM,
      BLOCK_N: blockN,
      BLOCK_K: blockK,
      STAGES: stages,
      PAD,
      THREAD_M4: threadM / 4,
      THREAD_N4: threadN / 4,
      LANES_N: tileLanes(config),
    }),
  };
}

/** Threads side by side along N of each 32: a square-ish patch when the tile allows it; 0 when nothing fits. */
function tileLanes({ blockM, blockN, threadM, threadN }: TileConfig): number {
  const fits = (lanes: number) => (blockN / threadN) % lanes === 0 && (blockM / threadM) % (32 / lanes) === 0;
  return [8, 4, 16, 32, 2, 1].find(fits) ?? 0;
}

function requireDivisible(config: TileConfig): void {
  const { blockM, blockN, blockK, threadM, threadN, splitK } = config;
  const divides = [threadM % 4, threadN % 4, blockK % 4, blockM % threadM, blockN % threadN].every(
    (rest) => rest === 0,
  );
  if (!divides || tileLanes(config) === 0 || !(Number.isInteger(splitK) && splitK >= 1)) {
    throw new KernelError(
      `kernels: ${describeMatmulConfig(config)} must have threads and blockK in multiples of 4, blocks in multiples of threads, invocations in multiples of 32 and splitK >= 1. Correct the configuration.`,
      { config },
    );
  }
}
