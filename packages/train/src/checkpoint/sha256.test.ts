import { afterEach, expect, test, vi } from 'vitest';
import { sha256 } from './sha256.ts';

afterEach(() => vi.unstubAllGlobals());

/** FIPS 180-2, appendix B.1. */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('sha256 > the same with and without crypto.subtle, which a page over plain http lacks', async () => {
  const bytes = new TextEncoder().encode('abc');
  const long = Uint8Array.from({ length: 1021 }, (_, i) => (i * 31) % 256);
  expect(await sha256(bytes)).toBe(ABC);
  const own = await sha256(long);
  vi.stubGlobal('crypto', { subtle: undefined });
  expect(await sha256(bytes)).toBe(ABC);
  expect(await sha256(long)).toBe(own);
});
