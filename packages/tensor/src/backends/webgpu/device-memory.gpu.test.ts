import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createWebGpuBackend } from './create-webgpu-backend.ts';

/** The long form of this test runs with MODA_DEVICES=200. */
const DEVICES = Number(process.env['MODA_DEVICES'] ?? 40);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

it(`${DEVICES} devices opened and destroyed leave no host memory behind [webgpu]`, async () => {
  const arrayBytes = async (): Promise<number> => {
    // Dawn settles its promises and gives up its objects some time after a device's end.
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      collectGarbage();
    }
    return process.memoryUsage().arrayBuffers;
  };
  const open = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const backend = await createWebGpuBackend();
      await backend.synchronize();
      backend.destroy();
    }
  };
  await open(2);
  const before = await arrayBytes();
  await open(DEVICES);
  // Each holds 1 MiB for uniform blocks while it lives.
  expect((await arrayBytes()) - before).toBeLessThan(2 * 2 ** 20);
}, 400_000);
