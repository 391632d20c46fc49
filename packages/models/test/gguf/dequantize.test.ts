import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ggmlTypes } from '../../src/io/gguf/ggml-types.ts';
import { encodeNumbers } from '../../src/io/gguf/quantize.ts';

interface Blocks {
  readonly code: number;
  readonly blocks: string;
  readonly numbers: string;
  readonly of?: string;
  readonly made?: string;
}

/** Random blocks and what ggml's C code makes of them; `ggml-blocks.py` wrote the file. */
const reference: Readonly<Record<string, Blocks>> = JSON.parse(
  readFileSync(new URL('ggml-blocks.json', import.meta.url), 'utf8'),
);

const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));

describe('numbers of ggml blocks', () => {
  it.each(Object.entries(reference))('%s are those of ggml, bit for bit', (name, { code, blocks, numbers }) => {
    const type = ggmlTypes.get(code)!;
    expect(type.name).toBe(name);
    const stored = bytesOf(blocks);
    const expected = bytesOf(numbers);
    const out = new Float32Array((stored.length / type.blockBytes) * type.blockSize);
    expect(4 * out.length).toBe(expected.length);
    type.dequantize(new DataView(stored.buffer), out);
    const [bits, theirs] = [new Uint32Array(out.buffer), new Uint32Array(expected.buffer)];
    const isNan = (x: number) => (x & 0x7fffffff) > 0x7f800000;
    const wrong = Array.from(bits.keys()).filter((i) => bits[i] !== theirs[i] && !(isNan(bits[i]) && isNan(theirs[i])));
    expect(wrong).toEqual([]);
  });

  it.each(['F16', 'Q8_0'] as const)('%s are written as ggml writes them, bit for bit', (name) => {
    const { of, made } = reference[name];
    expect(encodeNumbers(name, new Float32Array(bytesOf(of!).buffer))).toEqual(bytesOf(made!));
  });

  it('F32 are as stored', () => {
    const out = new Float32Array(2);
    ggmlTypes.get(0)!.dequantize(new DataView(Float32Array.of(1.5, -2e-40).buffer), out);
    expect(out).toEqual(Float32Array.of(1.5, -2e-40));
  });
});
