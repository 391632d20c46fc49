import type { HostParameter } from '../../decoder/load-parameters.ts';
import type { ByteSource } from './byte-source.ts';
import type { GgufTensorInfo } from './read-gguf-header.ts';

/** Numbers that are read and decoded at once: few enough for memory, enough that a server is not asked too often. */
const PART = 1 << 21;

/**
 * A tensor's numbers as f32, bit for bit as ggml computes them. Memory: the result, and 8 MiB of the file at a time.
 *
 * @throws CheckpointError when the file cannot be read
 */
export async function readGgufTensor(source: ByteSource, info: GgufTensorInfo): Promise<HostParameter> {
  const { type, shape, begin, end } = info;
  const data = new Float32Array(((end - begin) / type.blockBytes) * type.blockSize);
  const most = (PART / type.blockSize) * type.blockBytes;
  for (let at = begin, to = 0; at < end; at += most, to += PART) {
    const bytes = await source.read(at, Math.min(at + most, end));
    type.dequantize(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), data.subarray(to, to + PART));
  }
  return { shape, data };
}

/** Rows `first` to `last - 1` of a tensor, or elements of a vector that is not stored in blocks. */
export function rowsInfo(info: GgufTensorInfo, first: number, last: number): GgufTensorInfo {
  const { shape, type, begin, end } = info;
  const rowBytes = (end - begin) / shape[0];
  const rows = {
    shape: [last - first, ...shape.slice(1)],
    begin: begin + first * rowBytes,
    end: begin + last * rowBytes,
  };
  return { name: info.name, type, ...rows };
}

/** Whether two tensors are stored alike, byte for byte. Reads up to the first part that differs. */
export async function sameBytes(source: ByteSource, a: GgufTensorInfo, b: GgufTensorInfo): Promise<boolean> {
  if (a.type !== b.type || a.shape.join() !== b.shape.join()) return false;
  for (let at = 0; at < a.end - a.begin; at += PART) {
    const size = Math.min(PART, a.end - a.begin - at);
    const [x, y] = [
      await source.read(a.begin + at, a.begin + at + size),
      await source.read(b.begin + at, b.begin + at + size),
    ];
    if (x.some((byte, i) => byte !== y[i])) return false;
  }
  return true;
}
