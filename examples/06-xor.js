// XOR: the smallest network that is not linear.

import { Linear, Sequential } from '@modajs/models/nn';
import { AdamW, backward, crossEntropy, init, softmax, tanh, tensor, tidy } from '@modajs/tensor';

const device = await init({ device: 'auto' });
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const labels = tensor([0, 1, 1, 0], { dtype: 'i32' });
const model = new Sequential(new Linear(2, 8, { seed: 1 }), tanh, new Linear(8, 2, { seed: 2 }));
const optimizer = new AdamW(model.trainableParameters(), { lr: 0.05, weightDecay: 0 });

for (let step = 0; step < 200; step++) {
  tidy(() => backward(crossEntropy(model.forward(x), labels)));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}

const rows = await tidy(() => softmax(model.forward(x))).data(); // [4, 2], row by row
const probabilities = [1, 3, 5, 7].map((i) => rows[i]);
for (const [i, one] of probabilities.entries()) console.log(`${i >> 1} xor ${i & 1}: 1 with p = ${one.toFixed(3)}`);
device.destroy();
if (!probabilities.every((one, i) => one > 0.5 === (i === 1 || i === 2))) throw new Error('XOR must be learnt');
