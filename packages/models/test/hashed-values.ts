import type { HostParameter } from '../src/index.ts';

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(text: string): number {
  let c = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** The values that `tooling/transformers-oracle` gives a tensor: a hash of its name and the index. */
export function hashedValues(name: string, shape: readonly number[], normBase: number): HostParameter {
  const seed = crc32(name);
  const scale = 2 / Math.sqrt(shape[1] ?? 16);
  const base = shape.length === 1 && name.endsWith('.weight') ? normBase : 0;
  const data = Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, (_, i) => {
    let x = (Math.imul(i, 2654435761) + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 0;
    return (x / 2 ** 31 - 1) * scale + base;
  });
  return { shape, data };
}
