import { type Device, scope, zeros } from '@modajs/tensor';

const COPIES = 20;
const BYTES = 2 ** 27;
const WARM_MS = 300;

/** Copies until clocks have risen: an idle GPU needs about 0.3 s. */
export async function warmClocks(device: Device): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < WARM_MS) await copyBandwidth(device);
}

/** Bytes a second of copies of 128 MiB, reads and writes together: the best of five runs of twenty. */
export async function copyBandwidth(device: Device): Promise<number> {
  using _ = scope();
  const [a, b] = [zeros([BYTES / 4], { device }), zeros([BYTES / 4], { device })];
  let best = 0;
  const copies = device.kind === 'webgpu' ? COPIES : 1;
  for (let round = 0; round < 5; round++) {
    await device.synchronize();
    const start = performance.now();
    for (let i = 0; i < copies; i++) device.backend.copy(a.view, b.view);
    await device.synchronize();
    best = Math.max(best, (copies * 2 * BYTES) / ((performance.now() - start) / 1000));
  }
  return best;
}
