import { CheckpointError } from '@modajs/tensor';
import type { FuzzTarget } from '../../src/fuzz-target.ts';

export const target: FuzzTarget = {
  name: 'refuses-seed',
  seeds: async () => [Uint8Array.of(1)],
  mutate: (bytes) => bytes,
  async run() {
    throw new CheckpointError('refuses-seed: nothing is read, got a file. There is no cure.');
  },
};
