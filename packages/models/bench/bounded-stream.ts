/**
 * A training step of a MoDA model with all slots and with bounded streams: time (rounds interleaved, medians) and peak memory.
 *
 *   pnpm bench:bounded [--device cpu] [--model nano] [--keep 4] [--batch 4] [--seq 128] [--rounds 5]
 */
import { backward, type DeviceName, init, scope, zeros } from '@modajs/tensor';
import { createDecoder, type DecoderConfig, defineDecoderConfig, estimateMemory, preset } from '../src/index.ts';
import { benchValues, median } from './bench-values.ts';

const values = benchValues({ device: 'cpu', model: 'nano', keep: '4', batch: '4', seq: '128', rounds: '5' });
const [slots, batch, seq, rounds] = [values.keep, values.batch, values.seq, values.rounds].map(Number);
const base = preset(values.model);
const bounded = (slotsBy: 'recency' | 'score' | 'both'): DecoderConfig =>
  defineDecoderConfig({ ...base, depth: { kind: 'moda', slots, slotsBy } });
const variants: Record<string, DecoderConfig> = {
  'all slots': base,
  recency: bounded('recency'),
  score: bounded('score'),
  both: bounded('both'),
};

using device = await init({ device: values.device as DeviceName });
const runs = Object.entries(variants).map(([name, config]) => ({
  name,
  config,
  model: createDecoder(config, { device }),
  times: [] as number[],
}));
for (let round = 0; round <= rounds; round++) {
  for (const { model, times } of runs) {
    const start = performance.now();
    {
      using _ = scope();
      const ids = zeros([batch, seq], { dtype: 'i32', device });
      const loss = model.loss(ids, ids);
      backward(loss);
      await loss.item();
    }
    device.endStep();
    times.push(performance.now() - start);
  }
}
console.log(`${device}; ${values.model}, ${base.nLayers} blocks, keep ${slots}, batch ${batch} x ${seq}`);
for (const { name, config, times } of runs) {
  const { peak } = estimateMemory(config, { batch, seq });
  console.log(
    `${name}: ${median(times.slice(1)).toFixed(1)} ms forward and backward, peak ${(peak / 2 ** 20).toFixed(1)} MiB`,
  );
}
