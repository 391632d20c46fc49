import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { describeMatmulConfig, type MatmulConfig } from './matmul-config.ts';
import { gemvMemoryBytes } from './matmul-gemv.ts';
import { subgroupCount, subgroupMatrixMemoryBytes } from './matmul-matrix-fit.ts';
import type { MatmulProblem } from './matmul-problem.ts';
import { tileMemoryBytes, tileThreads } from './matmul-tile.ts';

/** Workgroup memory and invocations of a configuration. */
export interface MatmulFootprint {
  readonly memoryBytes: number;
  readonly threads: number;
}

/** What a workgroup takes. */
export function matmulFootprint(
  problem: MatmulProblem,
  config: MatmulConfig,
  capabilities: DeviceCapabilities,
): MatmulFootprint {
  if (config.kind === 'tile') return { memoryBytes: tileMemoryBytes(config), threads: tileThreads(config) };
  if (config.kind === 'gemv') {
    return { memoryBytes: gemvMemoryBytes(problem, config), threads: config.lanes * config.groups };
  }
  if (config.kind === 'subgroup-matrix') {
    return {
      memoryBytes: subgroupMatrixMemoryBytes(problem, config),
      threads: subgroupCount(config) * (capabilities.subgroups?.max ?? 32),
    };
  }
  return { memoryBytes: 0, threads: 64 };
}

/** Whether a workgroup of this configuration fits the device. */
export function fitsDevice(problem: MatmulProblem, config: MatmulConfig, capabilities: DeviceCapabilities): boolean {
  const { memoryBytes, threads } = matmulFootprint(problem, config, capabilities);
  return memoryBytes <= capabilities.maxWorkgroupMemoryBytes && threads <= maxThreads(capabilities);
}

/**
 * Refuses a configuration that the device cannot hold.
 *
 * @throws KernelError with the figure and the limit
 */
export function requireFit(problem: MatmulProblem, config: MatmulConfig, capabilities: DeviceCapabilities): void {
  const { memoryBytes, threads } = matmulFootprint(problem, config, capabilities);
  if (memoryBytes > capabilities.maxWorkgroupMemoryBytes) {
    throw new KernelError(
      `kernels: ${describeMatmulConfig(config)} needs ${memoryBytes} B of workgroup memory; the device allows ${capabilities.maxWorkgroupMemoryBytes}. Use a smaller blockK.`,
      { config, memoryBytes },
    );
  }
  if (threads > maxThreads(capabilities)) {
    throw new KernelError(
      `kernels: ${describeMatmulConfig(config)} needs ${threads} invocations; the device allows ${maxThreads(capabilities)}. Give each thread or subgroup more.`,
      { config, threads },
    );
  }
}

function maxThreads({ maxInvocations, maxWorkgroupSize }: DeviceCapabilities): number {
  return Math.min(maxInvocations, maxWorkgroupSize[0]);
}
