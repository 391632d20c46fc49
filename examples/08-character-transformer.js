// A character transformer with Mixture-of-Depths Attention by hand: each block reads what earlier blocks wrote at its position.
import { DepthStream } from '@modajs/moda';
import { Embedding, Linear, MoDABlock, Module, RMSNorm } from '@modajs/models/nn';
import * as t from '@modajs/tensor';

const device = await t.init({ device: 'auto' });
const text = 'the whale swam to the sea and the sea sang to the whale; '.repeat(20);
const characters = [...new Set(text)].sort();
const codes = Int32Array.from(text, (character) => characters.indexOf(character));
const ids = t.tensor(codes, { dtype: 'i32', shape: [codes.length] });
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
    return t.reshape(this.head.forward(this.norm.forward(x)), [B * T, V]);
  }
}
const model = new Transformer();
const optimizer = new t.AdamW(model.trainableParameters(), { lr: 0.01 });
const piece = (from) => t.at(ids, `${from}:${from + B * T}`); // B rows of T characters, one row after the other
const lossAt = (from) => t.crossEntropy(model.forward(t.reshape(piece(from), [B, T])), piece(from + 1));
for (let step = 0; step < 80; step++) {
  t.tidy(() => t.backward(lossAt(7 * step)));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}
const last = await t.tidy(() => lossAt(800)).item();
console.log(`last loss ${last.toFixed(3)}, ln V = ${Math.log(V).toFixed(3)}`);
device.destroy();
if (!(last < 0.7)) throw new Error('the text must be learnt');
