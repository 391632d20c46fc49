// Preference training (DPO, arXiv 2305.18290): prefer one answer to another, held by a frozen reference.
import { createDecoder, defineDecoderConfig } from '@modajs/models';
import * as t from '@modajs/tensor';

const device = await t.init({ device: 'auto' });
const config = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 32, vocabSize: 16, seqLen: 8, depth: 'moda' });
const policy = createDecoder(config, { seed: 1 });
const reference = createDecoder(config, { seed: 1 }); // the same weights, which stay
const withAnswer = (answer) => [1, 3, 5].map((token) => [token, token + 1, ...answer]); // three prompts of two tokens
const [chosen, rejected] = [withAnswer([7, 8, 9]), withAnswer([9, 8, 7])];
const tokens = (rows) => t.tensor(rows, { dtype: 'i32' });

/** Sum of the log-probabilities of each row's answer: [rows]. */
function answerLogProbs(model, rows) {
  const inputs = tokens(rows.map((row) => row.slice(0, -1)));
  const targets = tokens(rows.map(([, , ...answer]) => [-100, ...answer]));
  const logits = t.reshape(model.logits(model.forward(inputs)), [-1, config.vocabSize]);
  const losses = t.crossEntropy(logits, t.reshape(targets, [-1]), { reduction: 'none', ignoreIndex: -100 });
  return t.neg(t.sum(t.reshape(losses, [rows.length, -1]), { axes: [1] }));
}
const lead = (model) => t.sub(answerLogProbs(model, chosen), answerLogProbs(model, rejected));
const held = t.noGrad(() => t.tidy(() => lead(reference)));
const margin = () => t.sub(lead(policy), held);

const optimizer = new t.AdamW(policy.parameters(), { lr: 3e-3, weightDecay: 0 });
for (let step = 0; step < 150; step++) {
  t.tidy(() => {
    t.backward(t.mean(t.log(t.add(t.exp(t.mul(margin(), -0.5)), 1)))); // -log sigmoid(0.5 margin)
    optimizer.step({ gradScale: t.clipGradNorm(policy.parameters(), 1).gradScale });
    optimizer.zeroGrad();
  });
  device.endStep();
}
const margins = [...(await t.tidy(margin).data())];
console.log(`log-odds gained over the reference: ${margins.map((value) => value.toFixed(1)).join(', ')}`);
device.destroy();
if (!margins.every((value) => value > 1)) throw new Error('the chosen answers must be preferred');
