/** Trains one step, continues a prompt and prints both: a program that no-dispose-symbol.test.ts runs in two engines. */
import { createDecoder, defineDecoderConfig, generate } from '@modajs/models';
import { AdamW, backward, init, tensor } from '@modajs/tensor';

const device = await init({ device: 'cpu', threads: 1 });
const config = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 16, dFf: 24, vocabSize: 11, seqLen: 16 });
const model = createDecoder(config, { seed: 3, device });
const ids = tensor([[1, 2, 3, 4, 5]], { dtype: 'i32', device });
const targets = tensor([[2, 3, 4, 5, 6]], { dtype: 'i32', device });
const optimizer = new AdamW(model.parameters(), { lr: 1e-2 });
const loss = model.loss(ids, targets);
backward(loss);
optimizer.step();
const tokens: number[] = [];
for await (const { id } of generate(model, [5, 8], { maxNewTokens: 4, temperature: 0 })) tokens.push(id);
console.log(JSON.stringify({ loss: await loss.item(), tokens }));
optimizer[Symbol.dispose]();
model[Symbol.dispose]();
device.destroy();
