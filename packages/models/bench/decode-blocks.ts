/**
 * Ways to cut the kernel that decodes a token in one dispatch, beside five kernels a block: milliseconds a token of a MoDA model and its
 * baseline, rounds interleaved, medians; and how far the logits are apart.
 *
 *   node decode-blocks.mjs [--moda moda-700m] [--baseline olmo2-700m-36] [--dtype f16] [--prompt 64] [--tokens 16] [--only 'one kernel'] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import type { DecodeBlocksConfig } from '@modajs/kernels';
import { type DType, elementBytes, init, noGrad, scope, tensor } from '@modajs/tensor';
import { createDecoder, DecoderCache, openTokenDecoder, preset } from '../src/index.ts';
import { benchValues, median } from './bench-values.ts';
import { copyBandwidth, warmClocks } from './copy-bandwidth.ts';

const values = benchValues({
  moda: 'moda-700m',
  baseline: 'olmo2-700m-36',
  dtype: 'f16',
  prompt: '64',
  tokens: '32',
  only: '',
  resident: undefined,
  json: undefined,
});
const ROUNDS = 5;
const [prompt, tokens] = [Number(values.prompt), Number(values.tokens)];
const dtype: DType = values.dtype === 'f32' ? 'f32' : 'f16';
const ways: Record<string, DecodeBlocksConfig | false> = {
  'five kernels a block': false,
  'one kernel': {},
  'one kernel, splits of 64 keys': { keysASplit: 64 },
  'one kernel, splits of 256 keys': { keysASplit: 256 },
  'one kernel, 256 threads': { threads: 256 },
  'one kernel, 64 workgroups': { workgroups: 64 },
  'one kernel without waits': {},
  'one kernel without waits, attention': {},
};
/** What a token costs without a part of the work (wrong numbers): where the time goes. */
const parts: Record<string, (code: string) => string> = {
  waits: (code) => code.replace('return (word & 1u) == due;', 'return true;'),
  attention: (code) => code.replace('turn < units', 'turn < units * 0u'),
};
using device = await init({
  device: 'webgpu',
  ...(values.resident && { residentWorkgroups: Number(values.resident) }),
});
const gpu = (device.backend as unknown as { device: GPUDevice }).device;
let removed: string[] = [];
{
  const create = gpu.createShaderModule.bind(gpu);
  gpu.createShaderModule = (descriptor) =>
    create({ ...descriptor, code: removed.reduce((code, part) => parts[part](code), descriptor.code) });
}
const bandwidth = await copyBandwidth(device);
const { capabilities } = device.backend as unknown as { capabilities: { residentWorkgroups: number } };
console.log(
  `${device}; copy ${(bandwidth / 1e9).toFixed(0)} GB/s; ${capabilities.residentWorkgroups} resident workgroups`,
);
const rows: Record<string, unknown>[] = [];
for (const name of [values.baseline, values.moda].filter(Boolean)) {
  const config = preset(name);
  const model = createDecoder(config, { device, dtype, seed: 1 });
  const cache = new DecoderCache(config, { B: 1, capacity: prompt + tokens * (ROUNDS + 1) + 8, dtype, device });
  const bytes =
    (model.countParameters() +
      2 * (prompt + (tokens * ROUNDS) / 2) * config.nKvHeads * config.headDim * config.nLayers) *
    elementBytes(dtype);
  {
    using _ = scope();
    const ids = Array.from({ length: prompt }, (_, i) => (i * 7) % 50);
    await noGrad(() => model.forward(tensor([ids], { dtype: 'i32', device }), { cache })).data();
    device.endStep();
  }
  let truth: Float32Array | null = null;
  for (const [i, [way, cut]] of Object.entries(ways).entries()) {
    // Shaders of their own: pipelines are remembered by text.
    const oneKernel = cut && { ...cut, polls: 2 ** 16 - i };
    if (way.includes('without') && name !== values.baseline) continue;
    if (oneKernel !== false && values.only && !way.includes(values.only)) continue;
    for (const layer of cache.layers) layer.truncate(prompt);
    const start = performance.now();
    removed = way.includes('without') ? Object.keys(parts).filter((part) => way.includes(part)) : [];
    using decoder = openTokenDecoder(model, cache, { oneKernel })!;
    const logits = Float32Array.from(await decoder.logitsAfter(1));
    const again = Float32Array.from(await decoder.logitsAfter(2));
    const openMs = performance.now() - start;
    const all = Float32Array.from([...logits, ...again]);
    truth ??= all;
    const norm = Math.sqrt(truth.reduce((sum, value) => sum + value * value, 0));
    const error = Math.sqrt(all.reduce((sum, value, i) => sum + (value - truth![i]) ** 2, 0)) / norm;
    const times: number[] = [];
    const run = async (count: number): Promise<void> => {
      const underWay: Promise<unknown>[] = [];
      for (let i = 0; i < count; i++) {
        underWay.push(decoder.chooseAndFeed());
        if (underWay.length >= 4) await underWay.shift();
      }
      await Promise.all(underWay);
      await device.synchronize();
    };
    await warmClocks(device);
    await run(tokens);
    for (let round = 0; round < ROUNDS; round++) {
      const begin = performance.now();
      await run(tokens);
      times.push((performance.now() - begin) / tokens);
    }
    const timeMs = median(times);
    const share = bytes / (timeMs / 1000) / bandwidth;
    rows.push({
      model: name,
      way,
      timeMs,
      minMs: Math.min(...times),
      share,
      error,
      dispatches: decoder.dispatches,
      openMs,
    });
    console.log(
      `${name} ${way}: ${timeMs.toFixed(3)} ms (min ${Math.min(...times).toFixed(3)}), ${(100 * share).toFixed(1)} % of copy, ${decoder.dispatches} dispatches, off by ${error.toExponential(1)}, opened in ${openMs.toFixed(0)} ms`,
    );
  }
  cache.dispose();
  model.dispose();
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ device: `${device}`, bandwidth, rows }, null, 2)}\n`);
