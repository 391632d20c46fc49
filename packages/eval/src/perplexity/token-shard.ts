import { unknownName } from '@modajs/tensor';
import { DataError } from '../errors/errors.ts';

/** Width of the ids in a token shard. */
export type ShardDType = 'uint16' | 'uint32';

/**
 * Token ids of a flat little-endian shard. OLMo's own files are named `.npy` but have no header; a real NumPy file is
 * recognised by its magic bytes and refused, because its header would be read as tokens.
 *
 * @throws DataError when the size is not a whole number of ids, the file has a NumPy header, or an id is not below
 *   `vocabSize` (when given): the wrong dtype shows that way.
 */
export function readTokenShard(
  bytes: Uint8Array,
  dtype: ShardDType,
  options: { readonly vocabSize?: number; readonly path?: string } = {},
): Int32Array {
  const { vocabSize, path = 'token shard' } = options;
  const width = bytesPerId(dtype);
  if (bytes[0] === 0x93 && bytes[1] === 0x4e && bytes[2] === 0x55 && bytes[3] === 0x4d) {
    throw new DataError(
      `${path}: a token shard must be headerless, got a NumPy header. Write it with ndarray.tofile().`,
      { path },
    );
  }
  if (bytes.length % width !== 0) {
    throw new DataError(
      `${path}: a ${dtype} shard must be a multiple of ${width} bytes, got ${bytes.length}. Is it ${dtype === 'uint16' ? 'uint32' : 'uint16'}, or cut short?`,
      { path },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tokens = new Int32Array(bytes.length / width);
  for (let i = 0; i < tokens.length; i++) {
    const id = width === 2 ? view.getUint16(i * 2, true) : view.getUint32(i * 4, true);
    if (vocabSize !== undefined && id >= vocabSize) {
      throw new DataError(
        `${path}: ids must be below V=${vocabSize}, got ${id} at position ${i}. Is the shard really ${dtype}, and from this tokenizer?`,
        { path },
      );
    }
    tokens[i] = id;
  }
  return tokens;
}

/** Documents of a shard, split after each `endToken`, which is dropped; empty documents are left out. */
export function splitShard(tokens: Int32Array, endToken: number): Int32Array[] {
  const documents: Int32Array[] = [];
  let start = 0;
  for (let i = 0; i <= tokens.length; i++) {
    if (i < tokens.length && tokens[i] !== endToken) continue;
    if (i > start) documents.push(tokens.subarray(start, i));
    start = i + 1;
  }
  return documents;
}

function bytesPerId(dtype: ShardDType): 2 | 4 {
  switch (dtype) {
    case 'uint16':
      return 2;
    case 'uint32':
      return 4;
    default:
      return unknownName('token dtype', dtype);
  }
}
