// A decoder with a block and a depth path of your own: an expert beside each FFN, and learned weights of the residual sum.
import { blockSpecs, createDecoder, defineDecoderConfig, linearSpecs, ResidualPath } from '@modajs/models';
import * as t from '@modajs/tensor';

const device = await t.init({ device: 'auto' });
const block = {
  specs: (config, layer) => ({
    ...blockSpecs(config, layer), // attend and feed use the parameters of the configured block
    ...linearSpecs(`expert.${layer}.up`, 2 * config.dModel, config.dModel, 0.05, false),
    ...linearSpecs(`expert.${layer}.down`, config.dModel, 2 * config.dModel, 0.05, false),
  }),
  run({ layer, parameter, read, write, attend, feed }) {
    const map = (x, name) => t.linear(x, parameter(`expert.${layer}.${name}.weight`));
    write('attention', attend(read('attention')));
    const x = read('ffn');
    write('ffn', t.add(feed(x), map(t.silu(map(x, 'up')), 'down')));
  },
};
/** @type {import('@modajs/models').CustomDepth} */
const depthPath = {
  specs: ({ nLayers: L }, layer) =>
    layer ? {} : { w: { shape: [L], role: 'vector', init: { kind: 'constant', value: 1 } } },
  path: ({ x, join, parameter }) =>
    new ResidualPath(x, (sum, y, at, part) => join(sum, t.mul(t.at(parameter('w'), at), y), at, part)),
};
const config = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 16, vocabSize: 11, seqLen: 16, depth: 'residual' });
const model = createDecoder(config, { seed: 1, block, depthPath });
const optimizer = new t.AdamW(model.parameters(), { lr: 0.02 });
const ids = t.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1], { dtype: 'i32' });
const lossOf = () => model.loss(t.reshape(t.at(ids, '0:12'), [1, 12]), t.reshape(t.at(ids, '1:13'), [1, 12]));
for (let step = 0; step < 40; step++) {
  t.tidy(() => t.backward(lossOf()));
  optimizer.step();
  optimizer.zeroGrad();
}
const last = await t.tidy(lossOf).item();
console.log(`${model.countParameters()} parameters, last loss ${last.toFixed(3)}`);
device.destroy();
if (!(last < 0.5)) throw new Error('the sequence must be learnt');
