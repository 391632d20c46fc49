// LoRA by hand: a frozen layer, and two thin matrices beside it that learn what it lacks.
import { Linear, Module, parameter } from '@modajs/models/nn';
import { AdamW, add, backward, init, linear, mean, mul, randomNormal, square, sub, tidy } from '@modajs/tensor';

class Lora extends Module {
  constructor(base, rank) {
    super();
    const [outputs, inputs] = base.weight.shape;
    this.base = base.freeze();
    this.a = parameter([rank, inputs], 'kaiming-uniform', 'matrix', { seed: 2 });
    this.b = parameter([outputs, rank], 'zeros', 'matrix', {}); // so that nothing changes at the start
  }
  forward(x) {
    return add(this.base.forward(x), mul(linear(linear(x, this.a), this.b), 2));
  }
}

const device = await init({ device: 'auto' });
const base = new Linear(16, 16, { seed: 1 });
const model = new Lora(base, 2);
const before = await base.weight.array();
console.log(`trains ${Object.keys(model.trainableParameters()).join(', ')} and leaves the rest`);
const [u, v] = [randomNormal([16, 1], { seed: 3 }), randomNormal([1, 16], { seed: 4 })]; // the direction that it lacks
const x = randomNormal([128, 16], { seed: 5 });
const wanted = tidy(() => add(base.forward(x), linear(linear(x, v), u)));
const error = () => mean(square(sub(model.forward(x), wanted)));
const optimizer = new AdamW(model.trainableParameters(), { lr: 0.02, weightDecay: 0 });

const first = await tidy(error).item();
for (let step = 0; step < 300; step++) {
  tidy(() => backward(error()));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}
const last = await tidy(error).item();
console.log(`error ${first.toFixed(2)} before, ${last.toExponential(1)} after`);
const isFrozen = JSON.stringify(before) === JSON.stringify(await base.weight.array());
device.destroy();
if (!isFrozen || !(last < first / 1000)) throw new Error('the adapter must learn, the layer must not');
