import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { add, init, type Tensor, tensor } from '../index.ts';
import { defaultDevice, setDefaultDevice } from './device.ts';

const OPENED = Symbol.for('@modajs/tensor: copies with a device');
const shared = globalThis as { [OPENED]?: Set<{ version: string }> };
const foreign = { version: '0.1.0' };
const SENTENCE =
  /This program holds two copies of @modajs\/tensor, from source and 0\.1\.0: give all @modajs packages one version/;

// A test file before this one may have loaded the modules anew, which makes a copy of them too.
beforeEach(() => shared[OPENED]?.clear());
afterEach(() => shared[OPENED]?.delete(foreign));

describe('a second copy of the package', () => {
  it('is named where a device or a tensor of it is no device or tensor here', async () => {
    const device = await init({ device: 'reference' });
    const theirs = { isTensor: true, shape: [2] } as unknown as Tensor;
    expect(() => add(tensor([1, 2]), theirs)).toThrow('Make one with tensor().');
    expect(() => add(tensor([1, 2]), 'x' as never)).toThrow('Make one with tensor().');
    shared[OPENED]!.add(foreign);
    expect(() => add(tensor([1, 2]), theirs)).toThrow(SENTENCE);
    expect(() => add(tensor([1, 2]), 'x' as never)).toThrow('Make one with tensor().');
    expect(() => setDefaultDevice({ backend: {}, requireOpen() {} } as never)).toThrow(SENTENCE);
    expect(() => setDefaultDevice({} as never)).toThrow('Open one with init().');
    device.destroy();
    expect(() => defaultDevice()).toThrow(SENTENCE);
    shared[OPENED]?.delete(foreign);
    expect(() => defaultDevice()).toThrow("Call `await init({ device: 'auto' })` first.");
  });
});
