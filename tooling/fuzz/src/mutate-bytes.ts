import type { Random } from './random.ts';

/** Values that counts and offsets go wrong at. */
const extremes = [0n, 1n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 53n, 1n << 63n];

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

function joined(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function range(bytes: Uint8Array, random: Random): [start: number, end: number] {
  const start = random.int(bytes.length + 1);
  return [start, Math.min(bytes.length, start + 1 + random.int(random.pick([1, 8, 64, 1024])))];
}

const flip: Mutation = (bytes, random) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.int(out.length)] ^= 1 << random.int(8);
  return out;
};

const overwrite: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const [start, end] = range(out, random);
  for (let i = start; i < end; i++) out[i] = random.pick([0, 0x20, 0x7f, 0x80, 0xff, random.int(256)]);
  return out;
};

/** A little-endian integer of 2, 4 or 8 bytes becomes an extreme value, the length, or one more or less than it was. */
const lengthField: Mutation = (bytes, random) => {
  const width = random.pick([2, 4, 8]);
  if (bytes.length < width) return bytes.slice();
  const out = bytes.slice();
  // Headers stand at the beginning: half of these mutations go there.
  const last = out.length - width;
  const at = random.int((random.chance(0.5) ? Math.min(last, 63) : last) + 1);
  let old = 0n;
  for (let i = width - 1; i >= 0; i--) old = (old << 8n) | BigInt(out[at + i]);
  const length = BigInt(out.length);
  let value = random.pick([random.pick(extremes), old + 1n, old - 1n, -old, old << 1n, length, length - 1n]);
  for (let i = 0; i < width; i++, value >>= 8n) out[at + i] = Number(value & 0xffn);
  return out;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.int(bytes.length + 1));
const extend: Mutation = (bytes, random) => joined(bytes, bytes.slice(0, 1 + random.int(16)));
const remove: Mutation = (bytes, random) => {
  const [start, end] = range(bytes, random);
  return joined(bytes.subarray(0, start), bytes.subarray(end));
};
const duplicate: Mutation = (bytes, random) => {
  const [start, end] = range(bytes, random);
  return joined(bytes.subarray(0, end), bytes.subarray(start));
};
const splice: Mutation = (bytes, random) => {
  const [start, end] = range(bytes, random);
  const at = random.int(bytes.length + 1);
  return joined(bytes.subarray(0, at), bytes.subarray(start, end), bytes.subarray(at));
};

const mutations: readonly Mutation[] = [flip, overwrite, lengthField, truncate, extend, remove, duplicate, splice];

/** One to four damages: flipped bits, overwritten or extreme integers, cuts, repeats and splices. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let out = bytes;
  for (let left = 1 + random.int(4); left > 0; left--) out = random.pick(mutations)(out, random);
  return out;
}
