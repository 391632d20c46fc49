// Train a tiny MoDA language model from the library, watch its loss, and continue a prompt with it.
import { createDecoder, defineDecoderConfig, generateText } from '@modajs/models';
import { init } from '@modajs/tensor';
import { trainBpe } from '@modajs/tokenizer';
import { MemoryStorage, prepareText, resolveRunConfig, splitText, TrainingRun } from '@modajs/train';

const device = await init({ device: 'auto' });

const text = Array.from({ length: 300 }, (_, i) => `The ${['old', 'white', 'great'][i % 3]} whale swam.`).join(' ');
const split = splitText([text], 0.1);
const tokenizer = trainBpe(split.train, { vocabSize: 280 });
const { sources, heldOut } = prepareText([{ name: 'whales', weight: 1, split }], tokenizer);

const model = createDecoder(
  defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 32, vocabSize: tokenizer.vocabSize, seqLen: 32, depth: 'moda' }),
  { device, seed: 1 },
);
const config = resolveRunConfig({
  training: { steps: 40, batchSize: 4 },
  optimizer: { lr: 1e-2 },
  schedule: { warmupSteps: 5 },
});
const fresh = { separator: null, storage: new MemoryStorage(), identity: {}, writtenBy: {}, resumeFrom: null };
const listener = (event) => {
  if (event.kind === 'step' && event.row.step % 10 === 0) console.log(`step ${event.row.step} loss ${event.row.loss}`);
};
const run = new TrainingRun({ config, model, T: 32, sources, heldOut, listener, ...fresh });
const { heldOutBitsPerByte } = await run.run();
console.log(`held-out bits per byte: ${heldOutBitsPerByte.toFixed(3)}`);

let continuation = '';
for await (const piece of generateText(model, tokenizer, 'The old', { maxNewTokens: 12, temperature: 0 })) {
  continuation += piece;
}
console.log(`The old${continuation}`);
run.dispose();
model.dispose();
device.destroy();
