/** One word of a uniform struct: a whole number is a `u32`, `{ f32 }` and `{ i32 }` are those. */
export type UniformWord = number | { readonly f32: number } | { readonly i32: number };

/** Bytes of a uniform struct from 32-bit words. Padded to 16 bytes. */
export function uniformBlock(words: readonly UniformWord[]): ArrayBuffer {
  const buffer = new ArrayBuffer(Math.ceil(words.length / 4) * 16);
  const view = new DataView(buffer);
  words.forEach((word, index) => {
    if (typeof word === 'number') view.setUint32(index * 4, word, true);
    else if ('f32' in word) view.setFloat32(index * 4, word.f32, true);
    else view.setInt32(index * 4, word.i32, true);
  });
  return buffer;
}
