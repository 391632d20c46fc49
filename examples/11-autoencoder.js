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
  /** Squared error and distance of the latents from a normal distribution, per picture. */
  loss(x, seed) {
    const [centre, logVariance] = this.encode(x);
    const noise = t.randomNormal(centre.shape, { seed });
    const z = t.add(centre, t.mul(t.exp(t.affine(logVariance, 0.5, 0)), noise));
    const error = t.sum(t.square(t.sub(this.decode(z), x)), { axes: [1] });
    const divergence = t.sum(t.sub(t.add(t.square(centre), t.exp(logVariance)), t.affine(logVariance, 1, 1)), {
      axes: [1],
    });
    return t.mean(t.add(error, t.affine(divergence, 0.001, 0)));
  }
}

const device = await t.init({ device: 'auto' });
const bar = (at, isColumn) =>
  Array.from({ length: 36 }, (_, i) => Number((isColumn ? i % 6 : Math.floor(i / 6)) === at));
const pictures = t.tensor([true, false].flatMap((isColumn) => [0, 1, 2, 3, 4, 5].map((at) => bar(at, isColumn))));
const model = new Autoencoder();
const optimizer = new t.AdamW(model.trainableParameters(), { lr: 5e-3, weightDecay: 0 });
for (let step = 0; step < 1500; step++) {
  t.tidy(() => t.backward(model.loss(pictures, step)));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}
const redrawn = await t.tidy(() => model.decode(model.encode(pictures)[0])).data();
const drawn = await pictures.data();
const isRight = (row) =>
  drawn.slice(36 * row, 36 * row + 36).every((it, i) => it === Number(redrawn[36 * row + i] > 0.5));
const right = Array.from({ length: 12 }, (_, row) => row).filter(isRight);
console.log(`${right.length} of 12 pictures are drawn again from four numbers each`);
device.destroy();
if (right.length < 10) throw new Error('the pictures must be learnt');
