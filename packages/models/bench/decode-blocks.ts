/**
 * Ways to cut the kernel that decodes a token in one dispatch, beside five kernels a block: milliseconds a token of a MoDA model and its
 * baseline, rounds interleaved, medians; and how far the logits are apart.
 *
 *   node decode-blocks.mjs [--moda moda-700m] [--baseline olmo2-700m-36] [--dtype f16] [--prompt 64] [--tokens 16] [--only early=1] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type DecodeBlocksConfig, type DType, init, noGrad, scope, tensor } from '@modajs/tensor';
import { createDecoder, DecoderCache, openTokenDecoder, preset } from '../src/index.ts';
import { copyBandwidth } from './copy-bandwidth.ts';

const { values } = parseArgs({
  options: {
    moda: { type: 'string', default: 'moda-700m' },
    baseline: { type: 'string', default: 'olmo2-700m-36' },
    dtype: { type: 'string', default: 'f16' },
    prompt: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '16' },
    only: { type: 'string', default: '' },
    resident: { type: 'string' },
    json: { type: 'string' },
  },
});
const ROUNDS = 5;
const [prompt, tokens] = [Number(values.prompt), Number(values.tokens)];
const dtype: DType = values.dtype === 'f32' ? 'f32' : 'f16';
const ways: Record<string, DecodeBlocksConfig | false> = {
  'five kernels a block': false,
  'early=0': { early: 0 },
  'early=1': { early: 1 },
  'early=2': { early: 2 },
  'early=1 threads=256': { early: 1, threads: 256 },
  'early=1 threads=1024': { early: 1, threads: 1024 },
  'early=1 256x256': { early: 1, threads: 256, workgroups: 256 },
  'early=1 ahead=1': { early: 1, ahead: 1 },
  'early=1 split=64': { early: 1, positionsASplit: 64 },
};
const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

using device = await init({
  device: 'webgpu',
  ...(values.resident && { residentWorkgroups: Number(values.resident) }),
});
const bandwidth = await copyBandwidth(device);
const { capabilities } = device.backend as unknown as { capabilities: { residentWorkgroups: number } };
console.log(
  `${device}; copy ${(bandwidth / 1e9).toFixed(0)} GB/s; ${capabilities.residentWorkgroups} resident workgroups`,
);
const rows: Record<string, unknown>[] = [];
for (const name of [values.baseline, values.moda]) {
  const config = preset(name);
  const model = createDecoder(config, { device, dtype, seed: 1 });
  const cache = new DecoderCache(config, { B: 1, capacity: prompt + tokens * (ROUNDS + 1) + 8, dtype, device });
  const bytes =
    (model.countParameters() +
      2 * (prompt + (tokens * ROUNDS) / 2) * config.nKvHeads * config.headDim * config.nLayers) *
    (dtype === 'f16' ? 2 : 4);
  {
    using _ = scope();
    const ids = Array.from({ length: prompt }, (_, i) => (i * 7) % 50);
    await noGrad(() => model.forward(tensor([ids], { dtype: 'i32', device }), { cache })).data();
    device.endStep();
  }
  let truth: Float32Array | null = null;
  for (const [way, oneKernel] of Object.entries(ways)) {
    if (oneKernel !== false && values.only && !way.includes(values.only)) continue;
    for (const layer of cache.layers) layer.truncate(prompt);
    const start = performance.now();
    using decoder = openTokenDecoder(model, cache, { oneKernel })!;
    const logits = Float32Array.from(await decoder.logitsAfter(1));
    const again = Float32Array.from(await decoder.logitsAfter(2));
    const openMs = performance.now() - start;
    const all = Float32Array.from([...logits, ...again]);
    truth ??= all;
    const norm = Math.sqrt(truth.reduce((sum, value) => sum + value * value, 0));
    const error = Math.sqrt(all.reduce((sum, value, i) => sum + (value - truth![i]) ** 2, 0)) / norm;
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begin = performance.now();
      const underWay: Promise<unknown>[] = [];
      for (let i = 0; i < tokens; i++) {
        underWay.push(decoder.chooseAndFeed());
        if (underWay.length >= 4) await underWay.shift();
      }
      await Promise.all(underWay);
      await device.synchronize();
      times.push((performance.now() - begin) / tokens);
    }
    const timeMs = median(times.slice(1));
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
