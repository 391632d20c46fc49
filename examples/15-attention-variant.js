// A new attention variant in WGSL: causal weights relu(score)^2 / (t + 1) in place of the softmax, with their gradient.
import * as t from '@modajs/tensor';
import { checkGradients } from '@modajs/tensor/testing';

const kernel = t.customKernel({
  name: 'squared-weights',
  inputs: ['scores'], // [T, T], of query t and key s
  output: ([scores]) => scores,
  cpu: ([scores], [out]) => {
    const T = Math.sqrt(out.length);
    for (let i = 0; i < out.length; i++) {
      const t = Math.floor(i / T);
      out[i] = i % T <= t ? Math.max(scores[i], 0) ** 2 / (t + 1) : 0;
    }
  },
  wgsl: ([
    {
      shape: [T],
    },
  ]) => ({
    shader: `@group(0) @binding(0) var<storage, read> scores: array<f32>;
      @group(0) @binding(1) var<storage, read_write> out: array<f32>;
      override T: u32;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        let t = id.x / T;
        let s = select(0.0, max(scores[min(id.x, T * T - 1)], 0.0), id.x % T <= t);
        if (id.x < T * T) { out[id.x] = s * s / f32(t + 1); }
      }`,
    constants: { T },
    workgroups: [Math.ceil(T ** 2 / 64), 1, 1],
  }),
});
/** d relu(x)^2 / (t + 1) = 2 relu(x) / (t + 1), where s <= t. */
const slopes = (T) =>
  Array.from({ length: T }, (_, t) => Array.from({ length: T }, (_, s) => (s <= t ? 2 / (t + 1) : 0)));
const squaredWeights = t.customOp({
  name: 'squared-weights',
  inputs: ['scores'],
  forward: ([scores]) => kernel([scores]),
  backward: ({ inputs: [x], gradients: [dOut] }) => [
    t.mul(t.mul(t.relu(x), t.tensor(slopes(x.shape[0]), { device: x.device })), dOut),
  ],
});

const device = await t.init({ device: 'auto' });
await checkGradients((scores) => squaredWeights([scores]), [t.randomNormal([7, 7], { seed: 1 })]);
const [T, D] = [16, 8];
const weights = (seed) => {
  const [q, k, v] = [0, 1, 2].map((i) => t.asParameter(t.randomNormal([D, D], { seed: seed + i, std: 0.4 })));
  return { q, k, v };
};
const params = weights(2);
const attend = (x, { q, k, v }) =>
  t.matmul(squaredWeights([t.matmul(t.linear(x, q), t.linear(x, k), { transposeB: true })]), t.linear(x, v));
const x = t.randomNormal([T, D], { seed: 5 });
const teacher = weights(6);
const wanted = t.noGrad(() => t.tidy(() => attend(x, teacher)));
const error = () => t.mean(t.square(t.sub(attend(x, params), wanted)));
const optimizer = new t.AdamW(params, { lr: 0.02, weightDecay: 0 });
const first = await t.tidy(error).item();
for (let step = 0; step < 400; step++) {
  t.tidy(() => t.backward(error()));
  optimizer.step();
  optimizer.zeroGrad();
  device.endStep();
}
const last = await t.tidy(error).item();
console.log(`gradients are right on ${device}; error ${first.toFixed(1)} to ${last.toFixed(2)}`);
device.destroy();
if (!(last < first / 20)) throw new Error('the attention must learn what its teacher does');
