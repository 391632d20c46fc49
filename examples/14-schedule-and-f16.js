// A training loop with a schedule, clipped gradients and f16: f32 weights, products in f16, a scaled loss.
import { Linear, Module } from '@modajs/models/nn';
import * as t from '@modajs/tensor';
import { cosine, LossScaler, warmup } from '@modajs/train';

const device = await t.init({ device: 'auto' });
const dtype = device.supportsF16 ? 'f16' : 'f32';
const half = (x) => t.cast(x, dtype);
class Net extends Module {
  one = new Linear(8, 64, { seed: 1 });
  two = new Linear(64, 1, { seed: 2 });

  forward(x) {
    const apply = (map, input) => t.linear(input, half(map.weight), half(map.bias));
    return t.cast(apply(this.two, t.relu(apply(this.one, half(x)))), 'f32');
  }
}

const model = new Net();
const parameters = model.trainableParameters();
const optimizer = new t.AdamW(parameters, { lr: 0.02, weightDecay: 0 });
const schedule = warmup(20).then(cosine(180, { final: 0.1 }));
const scaler = new LossScaler({ initial: 2 ** 24 }); // too large on purpose: it finds its way down
const x = t.randomNormal([256, 8], { seed: 3 });
const y = t.tidy(() => t.mean(t.square(x), { axes: [1], keepDims: true }));
const loss = () => t.mean(t.square(t.sub(model.forward(x), y)));

const first = await t.tidy(loss).item();
for (let step = 0; step < 200; step++) {
  t.tidy(() => t.backward(scaler.scale(loss())));
  const { norm, gradScale } = t.clipGradNorm(parameters, 1, 1 / scaler.value);
  optimizer.step({ lrRatio: schedule(step), gradScale }); // changes nothing when a gradient overflowed
  optimizer.zeroGrad();
  scaler.update(Number.isFinite(await norm.item()));
  device.endStep();
}
const last = await t.tidy(loss).item();
console.log(`${dtype}: loss ${first.toFixed(3)} to ${last.toFixed(4)}, ${scaler.state.skipped} steps skipped`);
device.destroy();
if (!(last < first / 20)) throw new Error('the net must learn');
