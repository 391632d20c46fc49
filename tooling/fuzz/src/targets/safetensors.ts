import { readSafetensors, writeSafetensors } from '@modajs/tensor';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { mutateJson } from '../mutate-json.ts';

const bytesOf: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

function fileOf(header: string, data: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setUint32(0, json.length, true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

function everyDType(): Uint8Array {
  let offset = 0;
  const entries = Object.entries(bytesOf).map(([dtype, size]) => {
    const entry = { dtype, shape: [2], data_offsets: [offset, offset + 2 * size] };
    offset += 2 * size;
    return [`blocks.0.${dtype}`, entry];
  });
  return fileOf(JSON.stringify(Object.fromEntries(entries)), new Uint8Array(offset));
}

export const target: FuzzTarget = {
  name: 'safetensors',
  async seeds() {
    const written = await writeSafetensors(
      {
        'model.embed_tokens.weight': { dtype: 'F32', shape: [3, 2], data: [1, -2, 0.5, 3, 4, 5] },
        half: { dtype: 'F16', shape: [2], data: [1, -65504] },
        ids: { dtype: 'I32', shape: [5], data: [1, 2, 3, -4, 5] },
        empty: { dtype: 'U32', shape: [0, 7], data: [] },
        scalar: { dtype: 'U32', shape: [], data: [4294967295] },
      },
      { format: 'pt' },
    );
    return [written, everyDType(), fileOf('{}', new Uint8Array())];
  },
  mutate(bytes, random) {
    if (random.chance(0.4)) return mutateBytes(bytes, random);
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    return fileOf(mutateJson(header, random), bytes.subarray(8 + length));
  },
  async run(bytes) {
    const { tensors, metadata } = readSafetensors(bytes);
    let total = 0;
    for (const [name, { dtype, shape, data }] of tensors) {
      const count = shape.reduce((product, length) => product * length, 1);
      if (data.length !== count) throw new Error(`${name} [${shape}] has ${data.length} values`);
      total += count * bytesOf[dtype];
      if (dtype === 'I64' && !data.every((value) => Number.isSafeInteger(value))) throw new Error(`${name} is rounded`);
    }
    const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (8 + headerLength + total !== bytes.length) throw new Error(`tensors hold ${total} bytes of ${bytes.length}`);
    const names = /"(\w*)":\{"dtype"/g;
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + headerLength));
    const written = [...header.matchAll(names)].map(([, name]) => name);
    if (new Set(written).size !== written.length) throw new Error(`repeated names are read: ${written}`);
    if (!Object.values(metadata).every((value) => typeof value === 'string')) throw new Error('metadata holds no text');
  },
};
