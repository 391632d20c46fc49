import { readdir } from 'node:fs/promises';

/** Where NVIDIA's kernel driver lists its GPUs by PCI address. */
const NVIDIA_GPUS = '/proc/driver/nvidia/gpus';

/** Variables with which the user has chosen already. */
const CHOICES = ['MESA_VK_DEVICE_SELECT', 'DRI_PRIME'];

/** The ranks of one machine that share its GPUs. */
interface LocalRank {
  readonly localRank: number;
  readonly localSize: number;
}

/**
 * Gives each rank of a machine its own NVIDIA GPU, before WebGPU is loaded. Neither WebGPU nor NVIDIA's Vulkan driver can be
 * asked for the n-th GPU (`CUDA_VISIBLE_DEVICES` means nothing to Vulkan); Mesa's device-select layer can, by PCI address,
 * through these variables. Without that layer (Debian: mesa-vulkan-drivers) they do nothing, and all ranks use the first
 * GPU. Mesa 22.3 (Debian 12) takes the last GPU that was not asked for: right for two GPUs, swapped, and wrong for more. A
 * launcher that shows each rank one GPU only (`srun --gpus-per-task=1` with constrained devices) needs nothing.
 *
 * @returns the PCI address chosen, or null when there is nothing to choose
 */
export async function selectGpuOfRank(
  { localRank, localSize }: LocalRank,
  env: Record<string, string | undefined> = process.env,
  gpusFolder = NVIDIA_GPUS,
): Promise<string | null> {
  if (localSize < 2 || CHOICES.some((name) => env[name] !== undefined)) return null;
  const gpus = (await readdir(gpusFolder).catch(() => [] as string[])).sort();
  if (gpus.length < 2) return null;
  const address = gpus[localRank % gpus.length];
  env['DRI_PRIME'] = `pci-${address.replace(/[:.]/g, '_')}`;
  env['MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE'] = '1';
  return address;
}
