// A new attention variant in WGSL: causal weights relu(score)^2 in place of the softmax, with their gradient.
import * as t from '@modajs/tensor';
import { checkGradients } from '@modajs/tensor/testing';

const shader = `@group(0) @binding(0) var<storage, read> scores: array<f32>;
  @group(0) @binding(1) var<storage, read_write> out: array<f32>;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&out)) { out[id.x] = scores[id.x] * max(scores[id.x], 0.0); }
  }`;
const kernel = t.customKernel({
  name: 'squared-relu',
  inputs: ['scores'],
  output: ([scores]) => scores, // the result has the scores' shape and dtype
  cpu: ([scores], [out]) => out.set(scores.map((score) => Math.max(score, 0) ** 2)),
  wgsl: ([{ shape }]) => ({ shader, workgroups: [Math.ceil((shape[0] * shape[1]) / 64), 1, 1] }),
});
const squaredWeights = t.customOp({
  name: 'squared-weights',
  inputs: ['scores'], // [T, T], of each query and key
  forward: ([scores]) => t.tril(kernel([scores])),
  backward: ({ inputs: [scores], gradients: [dOut] }) => [t.mul(t.tril(t.mul(t.relu(scores), 2)), dOut)],
});
const device = await t.init({ device: 'auto' });
await checkGradients((scores) => squaredWeights([scores]), [t.randomNormal([7, 7], { seed: 1 })]);
const [x, teacher, w] = [16, 8, 8].map((rows, i) => t.randomNormal([rows, 8], { seed: i + 2, std: 0.5 }));
const attend = (map) => t.matmul(squaredWeights([t.matmul(t.linear(x, map), x, { transposeB: true })]), x);
const error = () => t.mean(t.square(t.sub(attend(w), attend(teacher)))); // nothing of the teacher's requires a gradient
const optimizer = new t.AdamW({ w: t.asParameter(w) }, { lr: 0.02, weightDecay: 0 });
const first = await t.tidy(error).item();
for (let step = 0; step < 400; step++) {
  t.tidy(() => t.backward(error()));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}
const last = await t.tidy(error).item();
console.log(`gradients are right on ${device}; error ${first.toFixed(2)} to ${last.toExponential(1)}`);
device.destroy();
if (!(last < first / 20)) throw new Error('the attention must learn what its teacher does');
