import { describe, expect, it } from 'vitest';
import { SQUARES, ZSTD_JSONL, ZSTD_NOTHING, ZSTD_SQUARES } from '../../test/zstd-fixture.ts';
import { zstdDecompressed } from './zstd-frames.ts';

const decoded = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const squares = decoded(ZSTD_SQUARES);
const skipped = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

async function* inParts(bytes: Uint8Array, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

async function text(bytes: Uint8Array, partBytes = bytes.length): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of zstdDecompressed(inParts(bytes, partBytes))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('zstdDecompressed', () => {
  it.each([1, 2, 7, 100, 1000])(
    'reads frames, empty and skippable ones too, in parts of %i bytes',
    async (partBytes) => {
      const frames = Buffer.concat([skipped, squares, decoded(ZSTD_NOTHING), skipped, decoded(ZSTD_JSONL)]);
      const lines = '{"text":"first é"}\n{"text":"second"}\n'.repeat(40);
      expect(await text(frames, partBytes)).toBe(SQUARES + lines);
    },
  );

  it('refuses every single-bit flip of a file with a checksum, or reads the same text', async () => {
    const outcomes = { same: 0, refused: 0, another: 0 };
    for (let bit = 0; bit < squares.length * 8; bit++) {
      const flipped = Uint8Array.from(squares);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const found = await text(flipped).catch(() => null);
      outcomes[found === null ? 'refused' : found === SQUARES ? 'same' : 'another']++;
    }
    expect(outcomes.another).toBe(0);
    expect(outcomes.refused).toBeGreaterThan(squares.length * 8 * 0.99);
  }, 60_000);

  it('refuses a file cut anywhere', async () => {
    for (let end = 1; end < squares.length; end++) {
      await expect(text(squares.subarray(0, end))).rejects.toThrow(/missing at its end/);
    }
  });

  it.each([
    ['another checksum', (bytes: Uint8Array) => bytes.with(-1, bytes.at(-1)! ^ 1), /checksum is .*, the file says/],
    ['another size', (bytes: Uint8Array) => bytes.with(5, bytes[5]! ^ 1), /a frame of \d+ bytes decompresses to \d+/],
    ['a dictionary', (bytes: Uint8Array) => bytes.with(4, bytes[4]! | 1), /compressed with the dictionary/],
    ['a window of 2 GiB', () => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3), /window is 2147483648 bytes/],
  ])('names %s', async (_, change, message) => {
    await expect(text(change(squares))).rejects.toThrow(message);
  });
});
