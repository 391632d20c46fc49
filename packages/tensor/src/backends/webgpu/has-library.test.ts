import { expect, it } from 'vitest';
import { hasLibrary } from './has-library.ts';

it.runIf(process.platform === 'linux')(
  'hasLibrary > finds libraries by name where the system does, and no others',
  () => {
    expect(hasLibrary('libc.so.6')).toBe(true);
    expect(hasLibrary('libvulkan-that-nobody-has.so.1')).toBe(false);
  },
);
