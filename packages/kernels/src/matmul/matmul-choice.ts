import type { DeviceCapabilities } from '../plan/capabilities.ts';
import type { MatmulConfig } from './matmul-config.ts';
import { describeMatmulConfig } from './matmul-config.ts';
import { fitsDevice } from './matmul-fit.ts';
import { isGemv } from './matmul-gemv.ts';
import { hasFragment, haveHalves } from './matmul-matrix-fit.ts';
import type { MatmulProblem } from './matmul-problem.ts';
import { type BlockCandidate, gemvTable, MULTIPROCESSORS, subgroupMatrixTable, tileTable } from './matmul-table.ts';

const MAX_SLICES = 32;
const FRAGMENTS = [
  [16, 16, 16],
  [16, 8, 16],
  [8, 16, 16],
  [8, 8, 8],
] as const;

/**
 * Configurations worth timing for a problem on a device, the default first.
 *
 * @returns never empty
 */
export function matmulCandidates(problem: MatmulProblem, capabilities: DeviceCapabilities): MatmulConfig[] {
  const all: MatmulConfig[] = [chooseMatmulConfig(problem, capabilities)];
  if (isGemv(problem)) all.push(...gemvTable.filter((config) => fitsDevice(problem, config, capabilities)));
  for (const { config } of blockCandidates(problem, capabilities)) {
    all.push(config, { ...config, splitK: usefulSlices(problem, config) });
  }
  all.push({ kind: 'naive' });
  return [...new Map(all.map((config) => [describeMatmulConfig(config), config])).values()];
}

/** The configuration used when none is given: the one that a rough model of its time prefers. */
export function chooseMatmulConfig(problem: MatmulProblem, capabilities: DeviceCapabilities): MatmulConfig {
  if (isSoftware(capabilities)) return softwareConfig(problem);
  if (isGemv(problem)) {
    const config = gemvConfig(problem);
    if (fitsDevice(problem, config, capabilities)) return config;
  }
  let best: MatmulConfig = { kind: 'naive' };
  let bestTime = Number.POSITIVE_INFINITY;
  for (const candidate of blockCandidates(problem, capabilities)) {
    for (const splitK of new Set([1, usefulSlices(problem, candidate.config)])) {
      const time = estimateSeconds(problem, candidate, splitK);
      if (time < bestTime) {
        best = { ...candidate.config, splitK };
        bestTime = time;
      }
    }
  }
  return best;
}

/** Everything that the device can hold: subgroup matrices where it has them for these operands, else register tiles. */
function blockCandidates(problem: MatmulProblem, capabilities: DeviceCapabilities): BlockCandidate[] {
  const fragment = FRAGMENTS.find((candidate) => hasFragment(capabilities, candidate));
  const matrix = haveHalves(problem) && fragment ? subgroupMatrixTable(fragment) : [];
  const fits = ({ config, wantsRowsOfA }: BlockCandidate) =>
    fitsDevice(problem, config, capabilities) && !(wantsRowsOfA && problem.a.transposed);
  const fitting = matrix.filter(fits);
  return fitting.length > 0 ? fitting : tileTable.filter(fits);
}

/** Mesa's llvmpipe and SwiftShader run shaders on the CPU: compiling is what costs, and there is nothing to fill. */
function isSoftware({ vendor, architecture }: DeviceCapabilities): boolean {
  return architecture === 'software' || architecture === 'swiftshader' || vendor === 'google';
}

function softwareConfig({ M, N, K, batch }: MatmulProblem): MatmulConfig {
  if (M * N * K * batch < 2 ** 24 || Math.min(M, N) < 16) return { kind: 'naive' };
  const thread = { threadM: 4, threadN: 4 };
  return { kind: 'tile', blockM: 32, blockN: 32, blockK: 4, ...thread, stages: 1, splitK: 1 };
}

/** Enough threads for each column of B to keep memory busy; more columns a thread when A has many rows to read again. */
function gemvConfig({ M, N, K, batch }: MatmulProblem): MatmulConfig {
  if (M > 4) return { kind: 'gemv', columns: 4, lanes: 32, groups: 4, splitK: 1 };
  if (N * batch < 4096) return { kind: 'gemv', columns: 1, lanes: 64, groups: 2, splitK: 1 };
  const [lanes, groups] = K >= 2048 ? [64, 2] : [32, 4];
  return { kind: 'gemv', columns: 2, lanes, groups, splitK: 1 };
}

function workgroups({ M, N, batch }: MatmulProblem, { blockM, blockN }: BlockCandidate['config']): number {
  return Math.ceil(M / blockM) * Math.ceil(N / blockN) * batch;
}

/** Slices of K that fill the device without making one shorter than 128. */
function usefulSlices(problem: MatmulProblem, config: BlockCandidate['config']): number {
  const wanted = Math.floor((2 * MULTIPROCESSORS) / Math.max(1, workgroups(problem, config)));
  return Math.max(1, Math.min(wanted, Math.floor(problem.K / 128), MAX_SLICES));
}

/**
 * Rounds of workgroups, each as long as a multiprocessor takes for what it holds at once; one that holds less than it could
 * hides less latency. Slices add the traffic of their partial sums and a second pass.
 */
function estimateSeconds(problem: MatmulProblem, { config, atOnce, tflops }: BlockCandidate, splitK: number): number {
  const groups = workgroups(problem, config) * splitK;
  const held = Math.min(atOnce, Math.ceil(groups / MULTIPROCESSORS));
  const speed = (tflops * 1e12 * (held < atOnce ? 0.7 : 1)) / MULTIPROCESSORS;
  const flops = 2 * config.blockM * config.blockN * (problem.K / splitK + config.blockK);
  const rounds = Math.ceil(groups / (MULTIPROCESSORS * held));
  const merging = splitK > 1 ? (splitK * problem.M * problem.N * problem.batch * 8) / 2e12 + 4e-6 : 0;
  return (rounds * held * flops) / speed + merging;
}
