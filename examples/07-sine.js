// An MLP on a sine: a module of one's own, SGD with momentum, and an error on points that it has not seen.
import { Linear, Module } from '@modajs/models/nn';
import { affine, backward, init, mean, mul, randomUniform, sin, square, sub, tanh, tidy } from '@modajs/tensor';
import { SGD } from '@modajs/train';

class Mlp extends Module {
  into = new Linear(1, 32, { seed: 1 });
  through = new Linear(32, 32, { seed: 2 });
  out = new Linear(32, 1, { seed: 3 });

  forward(x) {
    return this.out.forward(tanh(this.through.forward(tanh(this.into.forward(x)))));
  }
}

const device = await init({ device: 'auto' });
const model = new Mlp();
const optimizer = new SGD(model.trainableParameters(), { lr: 0.05, momentum: 0.9 });
const points = (count, seed) => affine(randomUniform([count, 1], { seed }), 2, -1); // in -1..1
const error = (x) => mean(square(sub(model.forward(x), sin(mul(x, 3)))));

for (let step = 0; step < 600; step++) {
  tidy(() => backward(error(points(64, step))));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}

const unseen = await tidy(() => error(points(256, 1e6))).item();
console.log(`mean squared error of sin 3x on unseen points: ${unseen.toExponential(2)}`);
device.destroy();
if (!(unseen < 5e-3)) throw new Error('the sine must be learnt');
