import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  add,
  asParameter,
  backward,
  customKernel,
  customOp,
  type Device,
  init,
  packedZeros,
  sum,
  type Tensor,
  tensor,
  tidy,
} from '../index.ts';
import { checkGradients } from '../testing/check-gradients.ts';
import { refusal } from '../testing/refusal.ts';

const numbers = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data());

const shader = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&out)) { out[id.x] = a[id.x] * b[id.x] + f32(arrayLength(&a) - arrayLength(&out)); }
}`;

const product = customKernel({
  name: 'product',
  inputs: ['a', 'b'],
  output: ([a]) => a,
  cpu: ([a, b], [out]) => out.set(a.map((value, i) => value * b[i])),
  wgsl: ([{ shape }]) => ({ shader, workgroups: [Math.ceil(shape[0] / 64), 1, 1] }),
});

const multiply = customOp({
  name: 'multiply',
  inputs: ['a', 'b'],
  keeps: ['inputs'],
  forward: (inputs) => product(inputs),
  backward: ({ inputs: [a, b], gradients: [dOut] }) => [product([dOut, b]), product([dOut, a])],
});

describe('customKernel', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  it('takes one tensor twice, and tensors of one packed storage at any start [webgpu]', async () => {
    const packed = packedZeros(device, [[65], [3], [65]], 'f32');
    const w = asParameter(tensor(Float32Array.from({ length: 65 }, (_, i) => i - 32)));
    device.backend.copy(w.view, packed[2].view);
    const out = tidy(() => add(multiply([w, w]), product([packed[2], packed[2]])));
    expect(await numbers(out)).toEqual(Array.from({ length: 65 }, (_, i) => 2 * (i - 32) ** 2));
    backward(tidy(() => sum(out)));
    expect(await numbers(w.grad)).toEqual(Array.from({ length: 65 }, (_, i) => 2 * (i - 32)));
    for (const each of [...packed, out, w]) each.dispose();
  });

  it('is captured with a step and replayed on new values, forward and backward, without allocations [webgpu]', async () => {
    const [w, x] = packedZeros(device, [[129], [129]], 'f32');
    asParameter(w);
    w.gradDestination = packedZeros(device, [[129]], 'f32')[0];
    const write = (to: Tensor, from: number): void =>
      device.backend.upload(
        to.storage.raw,
        to.offset,
        Float32Array.from({ length: 129 }, (_, i) => from + i),
      );
    const step = (): void => {
      w.grad?.dispose();
      w.grad = null;
      tidy(() => backward(sum(multiply([multiply([w, x]), w]))));
    };
    write(w, 1);
    write(x, 2);
    step();
    const captured = device.backend.capture(() => step());
    for (let n = 0; n < 3; n++) {
      write(w, n);
      write(x, 5 * n);
      const { allocations } = device.memory();
      expect(captured.replay()).toBe(true);
      // d/dw of x w^2.
      expect(await numbers(w.grad)).toEqual(Array.from({ length: 129 }, (_, i) => 2 * (n + i) * (5 * n + i)));
      expect(device.memory().allocations).toBe(allocations);
    }
    for (const each of [w, x]) each.dispose();
  });

  it('refuses by name what the device cannot dispatch [webgpu]', () => {
    const x = tensor([1, 2]);
    const run =
      (code: object, inputs = ['x']) =>
      () =>
        tidy(() =>
          customKernel({
            name: 'k',
            inputs,
            output: ([it]) => it,
            wgsl: () => ({ shader, workgroups: [1, 1, 1], ...code }) as never,
          })(inputs.map(() => x)),
        );
    const many = Array.from({ length: 40 }, (_, i) => `x${i}`);
    expect(refusal(run({}, many))).toMatch(
      /KernelError: k: inputs and outputs must be at most \d+ on this device, got 41/,
    );
    for (const workgroups of [[0, 1, 1], [1.5, 1, 1], [1e6, 1, 1], [1, 1], 1, null]) {
      expect(refusal(run({ workgroups }))).toMatch(/KernelError: k: workgroups must be three whole numbers in 1\.\./);
    }
    for (const word of [1.5, -1, 2 ** 32, { i32: 0.5 }, { f32: '1' }, null, {}]) {
      expect(refusal(run({ uniform: [1, word] }))).toMatch(/KernelError: k: uniform\[1\] must be a whole number/);
    }
    expect(refusal(run({ shader: '' }))).toMatch(/KernelError: k: the shader must be WGSL text/);
    const onHost = customKernel({ name: 'onHost', inputs: ['x'], output: ([it]) => it, cpu: () => {} });
    expect(refusal(() => onHost([x]))).toMatch(
      /KernelError: onHost: the kernel must have wgsl to run on webgpu.*, got cpu only/,
    );
    x.dispose();
  });

  it('raises WGSL that is not valid where results are read, and the device goes on [webgpu]', async () => {
    const x = tensor([1, 2]);
    const broken = customKernel({
      name: 'broken',
      inputs: ['x'],
      output: ([it]) => it,
      wgsl: () => ({ shader: 'fn main() { nonsense }', workgroups: [1, 1, 1] }),
    });
    const out = broken([x]);
    expect(await out.data().catch(String)).toMatch(/KernelError: webgpu: custom broken .*Mend its WGSL\./s);
    const fine = product([x, x]);
    expect(await numbers(fine)).toEqual([1, 4]);
    for (const each of [x, out, fine]) each.dispose();
  });

  it('checkGradients holds WGSL to the function of the host [webgpu]', async () => {
    const inputs = [tensor([1, -2, 3]), tensor([0.5, 0.25, 4])];
    expect((await checkGradients((a, b) => multiply([a, b]), inputs)).passed).toBe(true);
    const wrong = customKernel({
      name: 'wrong',
      inputs: ['a', 'b'],
      output: ([a]) => a,
      cpu: ([a, b], [out]) => out.set(a.map((value, i) => value * b[i])),
      wgsl: () => ({ shader: shader.replace('a[id.x] * b', '1.00001 * a[id.x] * b'), workgroups: [1, 1, 1] }),
    });
    const op = customOp({
      name: 'wrong',
      inputs: ['a', 'b'],
      forward: (tensors) => wrong(tensors),
      backward: ({ inputs: [a, b], gradients: [dOut] }) => [product([dOut, b]), product([dOut, a])],
    });
    expect(await checkGradients((a, b) => op([a, b]), inputs).catch(String)).toMatch(/forward error/);
    for (const each of inputs) each.dispose();
  });
});
