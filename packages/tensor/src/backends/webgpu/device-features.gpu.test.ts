import { expect, it } from 'vitest';
import { init } from '../../init.ts';
import { randomNormal } from '../../ops/creation.ts';
import { matmul } from '../../ops/matmul.ts';
import { webGpuKernels } from './webgpu-kernels.ts';

const OFF = { f16: false, subgroups: false, subgroupMatrix: false };

it('a device without features that its adapter has computes the same product, with bounds checks [webgpu]', async () => {
  const products: Float32Array[] = [];
  for (const options of [{}, { features: OFF, robustness: true }]) {
    const device = await init({ device: 'webgpu', ...options });
    const { capabilities } = webGpuKernels(device)!;
    if (options.features) {
      expect(device.supportsF16).toBe(false);
      expect(capabilities).toMatchObject({ f16: false, subgroups: null, subgroupMatrix: [] });
    }
    const a = randomNormal([37, 29], { seed: 1, device });
    const b = randomNormal([29, 41], { seed: 2, device });
    products.push((await matmul(a, b).data()) as Float32Array);
    device.destroy();
  }
  const [plain, bare] = products;
  expect(Math.max(...plain.map((value, i) => Math.abs(value - bare[i])))).toBeLessThan(1e-5);
});
