// A variational autoencoder: pictures of bars, four latent numbers a picture.
import { Linear, Module } from '@modajs/models/nn';
import * as t from '@modajs/tensor';

class Autoencoder extends Module {
  into = new Linear(36, 64, { seed: 1 });
  moments = new Linear(64, 8, { seed: 2 });
  back = new Linear(4, 64, { seed: 3 });
  out = new Linear(64, 36, { seed: 4 });
  encode(x) {
    return t.split(this.moments.forward(t.relu(this.into.forward(x))), [4, 4], 1);
  }
  decode(z) {
    return t.sigmoid(this.out.forward(t.relu(this.back.forward(z))));
  }
  /** Squared error, and the distance of the latents from a normal distribution, of all pictures. */
  loss(x, seed) {
    const [centre, logVariance] = this.encode(x);
    const z = t.add(centre, t.mul(t.exp(t.mul(logVariance, 0.5)), t.randomNormal(centre.shape, { seed })));
    const error = t.sum(t.square(t.sub(this.decode(z), x)));
    const divergence = t.sum(t.sub(t.add(t.square(centre), t.exp(logVariance)), t.affine(logVariance, 1, 1)));
    return t.add(error, t.mul(divergence, 0.001));
  }
}
const device = await t.init({ device: 'auto' });
const rows = t.repeat(t.reshape(t.oneHot(t.arange(6), 6), [6, 6, 1]), [1, 1, 6]); // picture i has row i
const pictures = t.reshape(t.concat([rows, t.transpose(rows)], 0), [12, 36]);
const model = new Autoencoder();
const optimizer = new t.AdamW(model.trainableParameters(), { lr: 5e-3, weightDecay: 0 });
for (let step = 0; step < 1500; step++) {
  t.tidy(() => t.backward(model.loss(pictures, step)));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}
const isOn = () => t.greater(model.decode(model.encode(pictures)[0]), 0.5);
const wrong = await t.tidy(() => t.sum(t.notEqual(isOn(), pictures))).item();
console.log(`${wrong} of 432 pixels are wrong when the pictures are drawn again from four numbers each`);
device.destroy();
if (!(wrong < 10)) throw new Error('the pictures must be learnt');
