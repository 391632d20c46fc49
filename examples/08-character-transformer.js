// A character transformer with Mixture-of-Depths Attention by hand: each block reads what earlier blocks wrote at its position.

import { DepthStream } from '@modajs/moda';
import { Embedding, Linear, MoDABlock, Module, RMSNorm } from '@modajs/models/nn';
import * as t from '@modajs/tensor';

const device = await t.init({ device: 'auto' });
const text = 'the whale swam to the sea and the sea sang to the whale; '.repeat(20);
const characters = [...new Set(text)].sort();
const ids = Int32Array.from(text, (character) => characters.indexOf(character));
const [B, T, C, V] = [4, 32, 32, characters.length];

class Transformer extends Module {
  embed = new Embedding(V, C, { seed: 1 });
  blocks = [2, 3].map((seed) => new MoDABlock({ dModel: C, nHeads: 2, dFf: 64, seed }));
  norm = new RMSNorm(C);
  head = new Linear(C, V, { bias: false, seed: 4 });

  forward(tokens) {
    const slots = this.blocks.reduce((sum, { slotsPerBlock }) => sum + slotsPerBlock, 0);
    const stream = new DepthStream({ slots, B, T, Hkv: 2, D: C / 2 });
    const x = this.blocks.reduce((at, block) => block.forward(at, { stream }), this.embed.forward(tokens));
    stream.dispose(); // its memory lives until the backward pass has read it
    return this.head.forward(this.norm.forward(x));
  }
}

const model = new Transformer();
const optimizer = new t.AdamW(model.trainableParameters(), { lr: 0.01 });
const rows = (step, shift) => Array.from({ length: B }, (_, b) => ids.slice(7 * step + 50 * b + shift).slice(0, T));
const batch = (step, shift) =>
  t.tensor(
    rows(step % 100, shift).map((row) => [...row]),
    { dtype: 'i32' },
  );
const lossOf = (step) =>
  t.crossEntropy(t.reshape(model.forward(batch(step, 0)), [-1, V]), t.reshape(batch(step, 1), [-1]));

for (let step = 0; step < 80; step++) {
  const loss = t.tidy(() => {
    const value = lossOf(step);
    t.backward(value);
    return value.detach();
  });
  optimizer.step();
  optimizer.zeroGrad();
  if (step % 20 === 0) console.log(`step ${step} loss ${(await loss.item()).toFixed(3)}`);
  loss.dispose();
  device.endStep();
}
const last = await t.tidy(() => lossOf(100)).item();
console.log(`last loss ${last.toFixed(3)}, ln V = ${Math.log(V).toFixed(3)}`);
device.destroy();
if (!(last < 0.7)) throw new Error('the text must be learnt');
