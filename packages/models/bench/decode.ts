/**
 * Decoding speed at batch 1: a MoDA model beside its baseline, rounds interleaved, medians, and what share of the device's
 * measured copy bandwidth the bytes that a token must read come to.
 *
 *   pnpm bench [--device cpu|webgpu|auto] [--moda moda-700m] [--baseline olmo2-700m-36] [--dtype f16] [--prompt 64]
 *              [--tokens 96] [--general] [--products] [--tune] [--profile] [--json FILE]
 *
 * --general: by the general operators; --products: the bandwidth of each product of a block alone, --tune: and its three
 * fastest configurations; --profile: a table of
 * kernels (a device of its own, slower: each kernel gets a pass).
 */
import { writeFileSync } from 'node:fs';
import {
  type Device,
  type DeviceName,
  type DType,
  elementBytes,
  init,
  type KernelTime,
  kernelSpans,
  kernelTimes,
} from '@modajs/tensor';
import { type DecoderConfig, defineDecoderConfig, preset } from '../src/index.ts';
import { benchValues, median } from './bench-values.ts';
import { copyBandwidth, warmClocks } from './copy-bandwidth.ts';
import { type DecodeRun, decodeTokens, openRun } from './decode-run.ts';
import { productBandwidths, tuneProducts } from './product-bandwidth.ts';

const values = benchValues({
  device: 'cpu',
  moda: 'small',
  baseline: '',
  dtype: 'f32',
  prompt: '64',
  tokens: '96',
  general: false,
  products: false,
  tune: false,
  profile: false,
  json: undefined,
});
const ROUNDS = 6;
const [prompt, tokens] = [Number(values.prompt), Math.max(ROUNDS, Number(values.tokens))];
const dtype: DType = values.dtype === 'f16' ? 'f16' : 'f32';
const perRound = Math.floor(tokens / ROUNDS);

const moda = preset(values.moda);
const baseline = values.baseline ? preset(values.baseline) : defineDecoderConfig({ ...moda, depth: 'residual' });
const pairs: [string, DecoderConfig][] = [
  ['baseline', baseline],
  ['moda', moda],
];

function open(device: Device, [name, config]: [string, DecoderConfig]): Promise<DecodeRun> {
  // One round warms up.
  return openRun(name, config, { device, dtype, prompt, tokens: tokens + perRound + 2, isGeneral: values.general });
}

function close(run: DecodeRun): void {
  run.decoder?.dispose();
  run.cache.dispose();
  run.model.dispose();
}

/** What a run came to. */
function summarize({ name, model, cache, decoder, timesMs, hostMs }: DecodeRun, bandwidth: number) {
  const { nKvHeads, headDim, nLayers } = model.config;
  const timeMs = median(timesMs.slice(1));
  const bytes = (model.countParameters() + 2 * cache.length * nKvHeads * headDim * nLayers) * elementBytes(dtype);
  return {
    name,
    timeMs,
    minMs: Math.min(...timesMs),
    maxMs: Math.max(...timesMs),
    tokensPerSecond: 1000 / timeMs,
    bytes,
    copyShare: bytes / (timeMs / 1000) / bandwidth,
    hostMs: median(hostMs.slice(1)),
    dispatches: decoder?.dispatches ?? null,
  };
}

async function profileOf(pair: [string, DecoderConfig]): Promise<{ name: string; kernels: KernelTime[] }> {
  using device = await init({ device: values.device as DeviceName, profile: true });
  const run = await open(device, pair);
  await decodeTokens(run, 4);
  const before = (await kernelSpans(device)).length;
  await decodeTokens(run, 8);
  const spans = (await kernelSpans(device)).slice(before);
  close(run);
  return { name: pair[0], kernels: kernelTimes(spans) };
}

const report: Record<string, unknown> = { moda: values.moda, baseline: values.baseline, dtype, prompt, tokens };
{
  using device = await init({ device: values.device as DeviceName });
  const bandwidth = await copyBandwidth(device);
  console.log(`${device}; ${dtype}; copy ${(bandwidth / 1e9).toFixed(1)} GB/s`);
  const runs = [await open(device, pairs[0]), await open(device, pairs[1])];
  if (device.kind === 'webgpu') await warmClocks(device);
  for (let round = 0; round <= ROUNDS; round++) for (const run of runs) await decodeTokens(run, perRound);
  const results = runs.map((run) => summarize(run, bandwidth));
  for (const { name, timeMs, tokensPerSecond, bytes, copyShare, hostMs, dispatches } of results) {
    console.log(
      `${name}: ${timeMs.toFixed(3)} ms a token, ${tokensPerSecond.toFixed(1)} tokens/s, ${(bytes / 1e6).toFixed(1)} MB a token, ${(100 * copyShare).toFixed(1)} % of the copy bandwidth; ${dispatches ?? 'general'} dispatches, host ${hostMs.toFixed(3)} ms`,
    );
  }
  console.log(`moda / baseline: ${(results[1].timeMs / results[0].timeMs).toFixed(3)}`);
  Object.assign(report, { device: `${device}`, copyBytesPerSecond: bandwidth, results });
  runs.forEach(close);
  if ((values.products || values.tune) && device.kind === 'webgpu') {
    const products = await productBandwidths(device, dtype);
    if (values.tune) products.push(...(await tuneProducts(device, dtype)));
    for (const { name, N, K, config, timeUs, bytesPerSecond } of products) {
      console.log(
        `product ${name} [${N} x ${K}]: ${timeUs.toFixed(2)} us, ${(bytesPerSecond / 1e9).toFixed(1)} GB/s, ${((100 * bytesPerSecond) / bandwidth).toFixed(1)} % of copy ${JSON.stringify(config)}`,
      );
    }
    Object.assign(report, { products });
  }
}
if (values.profile) {
  const profiles: unknown[] = [];
  for (const pair of pairs) {
    const profile = await profileOf(pair);
    profiles.push(profile);
    console.log(`\n${profile.name}: kernels of 8 tokens, each alone in a pass`);
    for (const { label, count, totalMs, share } of profile.kernels) {
      const eachUs = ((1000 * totalMs) / count).toFixed(2);
      console.log(`${(100 * share).toFixed(1).padStart(5)} %  ${eachUs.padStart(8)} us x ${count}  ${label}`);
    }
  }
  Object.assign(report, { profiles });
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
