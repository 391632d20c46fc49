import { Device, tensor, tidy } from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { expect, it } from 'vitest';
import { ownStorage } from './own-storage.ts';

it('ownStorage > gives no two gradients one storage, and adds what was there', async () => {
  const device = new Device(createReferenceBackend());
  const found = tidy(() => {
    const both = tensor([1, 2, 3, 4], { device });
    const memory = ownStorage([
      { tensor: both.alias([2], [1], 0), accumulate: true },
      { tensor: both.alias([2], [1], 2), accumulate: true },
    ]);
    const [first, second] = memory.written;
    expect(first.accumulate).toBe(true);
    expect(second.accumulate).toBe(false);
    expect(second.tensor.storage).not.toBe(first.tensor.storage);
    device.backend.fill(second.tensor.view, 10);
    return memory.finished();
  });
  expect(Array.from(await found[0].data())).toEqual([1, 2]);
  expect(Array.from(await found[1].data())).toEqual([13, 14]);
  device.destroy();
});
