import { type DeviceName, init } from '@modajs/tensor';
import { faultsOf, gapsOf, type Place } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as module from '../src/index.ts';
import { modaCalls, modaExempt } from './moda-calls.ts';

it('every exported function and method has its calls', () => {
  expect(gapsOf(module, modaCalls, modaExempt)).toEqual([]);
});

describe.each<DeviceName>(['reference', 'cpu'])('calls on %s', (device) => {
  let place: Place;
  beforeAll(async () => {
    const other = await init({ device, threads: 2 });
    place = { other, device: await init({ device, threads: 2 }) };
  });
  afterAll(() => {
    place.device.destroy();
    place.other.destroy();
  });

  it.each(Object.entries(modaCalls))('%s takes right arguments and refuses wrong ones', async (_name, call) => {
    expect(await faultsOf(call, place)).toEqual([]);
  });
});
