// An operator of one's own, with a gradient: softplus(x) = log(1 + exp(x)), in WGSL on a GPU and in JavaScript on the CPU.
import { customKernel, customOp, init, mul, randomNormal, sigmoid } from '@modajs/tensor';
import { checkGradients } from '@modajs/tensor/testing';

const softplusKernel = customKernel({
  name: 'softplus',
  inputs: ['x'],
  output: ([x]) => x, // the result has x's shape and dtype
  cpu: ([x], [out]) => {
    for (let i = 0; i < x.length; i++) out[i] = Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i])));
  },
  wgsl: ([{ shape }]) => ({
    shader: `
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> out: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&out)) { out[id.x] = max(x[id.x], 0.0) + log(1.0 + exp(-abs(x[id.x]))); }
      }`,
    workgroups: [Math.ceil(shape.reduce((size, extent) => size * extent, 1) / 64), 1, 1],
  }),
});

const softplus = customOp({
  name: 'softplus',
  inputs: ['x'],
  forward: ([x]) => softplusKernel([x]),
  backward: ({ inputs: [x], gradients: [dOut] }) => [mul(dOut, sigmoid(x))],
});

for (const name of /** @type {const} */ (['cpu', 'webgpu'])) {
  const device = await init({ device: name }).catch((error) => {
    if (name === 'cpu' || process.env.MODA_REQUIRE_WEBGPU === '1') throw error;
    return null; // no adapter here; where CI installs a driver, that is a failure
  });
  if (device === null) continue;
  const x = randomNormal([3, 43], { seed: 1, device });
  const { forwardError, gradientError } = await checkGradients((input) => softplus([input]), [x]); // throws on a fault
  console.log(`${device}: largest error ${forwardError} forward, ${gradientError} in the gradient`);
  device.destroy();
}
