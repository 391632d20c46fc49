import { afterAll, beforeAll } from 'vitest';
import { type Device, type InitOptions, init } from '../index.ts';

/** Opens a device for the tests of a file, and destroys it after them; the result gives it inside a test. */
export function testDevice(options: InitOptions): () => Device {
  let device: Device;
  beforeAll(async () => {
    device = await init(options);
  });
  afterAll(() => device.destroy());
  return () => device;
}
