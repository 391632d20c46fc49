import { createCpuRuntime } from '@modajs/cpu';
import type { Backend } from '../backend.ts';
import { CpuBackend } from './cpu-backend.ts';

/**
 * Opens the `cpu` device.
 *
 * @param options.threads threads including the calling one; all cores by default. Results do not depend on it.
 * @throws ConfigError for a thread count outside 1..64
 */
export async function createCpuBackend(options: { threads?: number } = {}): Promise<Backend> {
  return new CpuBackend(await createCpuRuntime(options));
}
