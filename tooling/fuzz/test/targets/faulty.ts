import { CheckpointError } from '@modajs/tensor';
import type { FuzzTarget } from '../../src/fuzz-target.ts';

const kept: Uint8Array[] = [];

/** Does what its input's first byte says, in every way that a reader can fail. */
export const target: FuzzTarget = {
  name: 'faulty',
  async seeds() {
    return [Uint8Array.of(0, 1, 2, 3, 4, 5)];
  },
  mutate(bytes, random) {
    const out = bytes.slice();
    out[0] = random.pick(['.', 'r', 'u', 'w', 'e', 'l']).charCodeAt(0);
    return out;
  },
  async run([action]) {
    switch (String.fromCharCode(action)) {
      case 'r':
        throw new CheckpointError('faulty: the byte must be 0, got r. Change it.');
      case 'u':
        (null as unknown as { x: () => void }).x();
        break;
      case 'w':
        throw new Error('a wrong result');
      case 's':
        for (;;) if (kept.length > 1e9) return;
      case 'm':
        while (kept.length < 200) kept.push(new Uint8Array(2 ** 20).fill(1));
        break;
      case 'e':
        process.exit(7);
        break;
      case 'p':
        await new Promise(() => {});
        break;
      case 'l':
        throw Object.assign(new CheckpointError('cut where it is made'), { message: 'x'.repeat(100_000) });
    }
  },
};
