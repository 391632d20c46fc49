import { totalmem } from 'node:os';
import { type Device, OutOfMemoryError } from '@modajs/tensor';
import { bytes } from '../terminal/format.ts';

/** WebAssembly addresses memory with 32 bits. */
const WASM_BYTES = 2 ** 32;

/** Bytes that a device's tensors can take; null where nobody says, as WebGPU does not. */
function capacityOf({ kind }: Device): number | null {
  if (kind === 'webgpu') return null;
  const host = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return kind === 'cpu' ? Math.min(WASM_BYTES, host) : host;
}

/** @throws OutOfMemoryError with both figures when a run cannot fit its device */
export function requireFits(needed: number, device: Device): void {
  const available = capacityOf(device);
  if (available === null || needed <= available) return;
  throw new OutOfMemoryError(
    `train: the run needs about ${bytes(needed)}, the device ${device} has ${bytes(available)}. Lower training.batchSize, raise ` +
      'training.gradientAccumulation, set training.activationCheckpointing=true, or use a smaller model.',
    { needed, available },
  );
}
