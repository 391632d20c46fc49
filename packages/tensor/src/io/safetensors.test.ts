import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../core/errors.ts';
import { tensor } from '../ops/creation.ts';
import { testDevice } from '../testing/test-device.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

testDevice({ device: 'reference' });

/** A file by the format's own description: length, JSON, data. */
function fileOf(header: unknown, data: Uint8Array): Uint8Array {
  return fileOfText(JSON.stringify(header), data);
}

function fileOfText(header: string, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setUint32(0, json.length, true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

describe('safetensors', () => {
  it('reads back what it wrote, every dtype, metadata and order [reference]', async () => {
    const file = await writeSafetensors(
      {
        'a.weight': tensor([
          [1.5, -2],
          [0.25, 3],
        ]),
        ids: tensor([1, 2, 70000], { dtype: 'i32' }),
        half: { dtype: 'F16', shape: [2], data: [1.0009765625, -65504] },
        brain: tensor([1 + 2 ** -8, -3 * 2 ** 100, 1 / 3], { dtype: 'bf16' }),
        empty: { dtype: 'F32', shape: [0, 3], data: [] },
        scalar: { dtype: 'U32', shape: [], data: [4294967295] },
      },
      { format: 'pt', step: '7' },
    );
    const { tensors, metadata } = readSafetensors(file);
    expect(metadata).toEqual({ format: 'pt', step: '7' });
    expect([...tensors.keys()]).toEqual(['a.weight', 'ids', 'half', 'brain', 'empty', 'scalar']);
    expect([...tensors.get('a.weight')!.data]).toEqual([1.5, -2, 0.25, 3]);
    expect([...tensors.get('ids')!.data]).toEqual([1, 2, 70000]);
    expect([...tensors.get('half')!.data]).toEqual([1.0009765625, -65504]);
    // A tie goes to the even neighbour; a third becomes 171 of 512 parts.
    const brain = tensors.get('brain')!;
    expect(brain.dtype).toBe('BF16');
    expect([...brain.data]).toEqual([1, -3 * 2 ** 100, 171 / 512]);
    expect(tensors.get('empty')!.shape).toEqual([0, 3]);
    expect([...tensors.get('scalar')!.data]).toEqual([4294967295]);
  });

  it('reads BF16, I64 and BOOL', () => {
    const data = new Uint8Array([0x80, 0x3f, 0x49, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0]);
    const { tensors } = readSafetensors(
      fileOf(
        {
          x: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] },
          y: { dtype: 'I64', shape: [1], data_offsets: [4, 12] },
          z: { dtype: 'BOOL', shape: [2], data_offsets: [12, 14] },
        },
        data,
      ),
    );
    expect([...tensors.get('x')!.data]).toEqual([1, -3.140625]);
    expect([...tensors.get('y')!.data]).toEqual([-1]);
    expect([...tensors.get('z')!.data]).toEqual([1, 0]);
  });

  it('takes names that repeat inside of text and in other objects', () => {
    const entry = { dtype: 'U8', shape: [0], data_offsets: [0, 0] };
    const names = ['"a":', 'a', '{', '\\', 'dtype', '__proto__'];
    const header = `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
    expect([...readSafetensors(fileOfText(header)).tensors.keys()]).toEqual(names);
  });

  it('refuses 64-bit integers beyond 2^53 when they are read, and takes the last exact ones', () => {
    const file = (value: bigint) => {
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigInt64(0, value, true);
      return fileOf({ ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, data);
    };
    expect(readSafetensors(file(-(2n ** 53n - 1n))).tensors.get('ids')!.data[0]).toBe(-(2 ** 53 - 1));
    for (const value of [2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)]) {
      const { ids } = Object.fromEntries(readSafetensors(file(value)).tensors);
      expect(() => ids.data).toThrow(CheckpointError);
      expect(() => ids.data).toThrow(/integers of ids must be within 2\^53/);
    }
  });

  it.each([
    ['an empty file', new Uint8Array(), /at least 8 bytes, got 0/],
    [
      'a header longer than the file',
      new Uint8Array([200, 0, 0, 0, 0, 0, 0, 0, 123]),
      /header needs 208 bytes, the file has 9/,
    ],
    [
      'something that is not safetensors',
      new TextEncoder().encode('PK\u0003\u0004 this is a zip'),
      /is this a safetensors file/i,
    ],
    [
      'truncated data',
      fileOf({ w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, new Uint8Array(5)),
      /describes 8 bytes of data, got 5.*truncated/,
    ],
    [
      'a shape that does not fit its bytes',
      fileOf({ w: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } }, new Uint8Array(8)),
      /w" F32 \[3\] needs 12 bytes, got 8/,
    ],
    [
      'overlapping tensors',
      fileOf(
        { a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] }, b: { dtype: 'U8', shape: [4], data_offsets: [2, 6] } },
        new Uint8Array(6),
      ),
      /b" must begin at byte 4/,
    ],
    [
      'an unknown dtype',
      fileOf({ w: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, new Uint8Array(1)),
      /w" has dtype "F8_E4M3"/,
    ],
    ['a header of null', fileOf(null, new Uint8Array()), /must be a JSON object, got null/],
    ['a header of 5', fileOf(5, new Uint8Array()), /must be a JSON object, got 5/],
    ['a header of []', fileOf([], new Uint8Array()), /must be a JSON object, got \[\]/],
    [
      'a dtype in a list',
      fileOf({ w: { dtype: ['F16'], shape: [1], data_offsets: [0, 2] } }, new Uint8Array(2)),
      /w" must have dtype.*\["F16"\]/,
    ],
    [
      'a dtype of Object.prototype',
      fileOf({ w: { dtype: 'toString', shape: [1], data_offsets: [0, 2] } }, new Uint8Array(2)),
      /dtype "toString"/,
    ],
    [
      'a name that stands twice, however it is spelled',
      fileOfText(
        '{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0077" : {"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
      /"w" twice/,
    ],
    ['metadata that is no text', fileOf({ __metadata__: { step: 7 } }, new Uint8Array()), /__metadata__ must map/],
    [
      'a count whose bytes exceed 2^53',
      fileOf({ w: { dtype: 'F64', shape: [2 ** 30, 2 ** 30], data_offsets: [0, 2 ** 53 - 8] } }, new Uint8Array()),
      /needs .* bytes/,
    ],
    [
      'a header nested 100,000 deep',
      fileOfText(`${'['.repeat(1e5)}${']'.repeat(1e5)}`),
      /safetensors: the header must be/,
    ],
    ['a header that is not JSON', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7b), /header must be JSON/],
  ])('refuses %s', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(CheckpointError);
    expect(() => readSafetensors(file)).toThrow(message);
  });
});
