import { createDecoder, defineDecoderConfig } from '@modajs/models';
import { init } from '@modajs/tensor';
import { create } from 'webgpu';
import { resolveRunConfig } from '../../src/config/run-config.ts';
import { createOptimizer } from '../../src/optim/create-optimizer.ts';
import { trainingStep } from '../../src/run/training-step.ts';
import { stepModel } from '../step-models.ts';

const [name, blocks, B0, ...toggles] = process.argv.slice(2);
const gpu = create([
  'backend=null',
  `enable-dawn-features=${['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', 'disable_robustness', ...toggles].join(',')}`,
]);
const device = await init({ device: 'webgpu', gpu, residentWorkgroups: 132 } as never);
const m = stepModel(name, blocks === '0' ? undefined : Number(blocks));
const B = Number(B0) || m.B;
const config = defineDecoderConfig({
  ...(m.moda ?? m.baseline),
  vocabSize: 1024,
  ...(name.startsWith('distil') ? { dModel: 192, nHeads: 3, dFf: 768 } : { dFf: 384, dModel: 192, seqLen: 256 }),
} as never);
const T = config.seqLen;
const decoder = createDecoder(config, { device, seed: 1, computeDtype: 'f16' });
const optimizer = createOptimizer(decoder.parameters(), resolveRunConfig({}).optimizer);
const batch = {
  B,
  T,
  ids: new Int32Array(B * T),
  targets: new Int32Array(B * T),
  docRange: null,
  next: { drawn: 0, bySource: [] },
};
const options = { gradientAccumulation: 1, activationCheckpointing: false, zLoss: 0, clipNorm: 1 };
const controls = { lrRatio: 1e-3, lossScale: 1024, lossLimit: Infinity };
const t: number[] = [];
for (let i = 0; i < 60; i++) {
  const a = performance.now();
  const p = trainingStep(decoder, optimizer, batch as never, options, controls);
  t.push(performance.now() - a);
  await p;
}
const s = t.slice(10).sort((a, b) => a - b);
console.log(`${device}`, name, B, T, 'host ms: median', s[25].toFixed(2), 'min', s[0].toFixed(2));
device.destroy();
process.exit(0);
