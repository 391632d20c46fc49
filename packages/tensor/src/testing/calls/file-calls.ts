import { DTYPE_NAMES } from '../../core/dtype.ts';
import * as ops from '../../index.ts';
import type { CallTable } from './call.ts';
import { kind, list, named, required, tensorOf, without } from './kinds.ts';

const bytes = (good: Uint8Array) =>
  required(
    kind(good, {
      'a string': 'x',
      'a number': 1,
      'an empty file': new Uint8Array(0),
      'a short file': new Uint8Array(3),
      zeros: new Uint8Array(64),
      noise: new Uint8Array(64).fill(201),
    }),
  );

/** A file of one tensor of two f32 zeros. */
function smallFile(): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }).padEnd(64),
  );
  const file = new Uint8Array(8 + header.length + 8);
  file[0] = header.length;
  file.set(header, 8);
  return file;
}

const file = smallFile();

/** Files and profiles. */
export const fileCalls: CallTable = {
  readSafetensors: { run: ops.readSafetensors, args: [bytes(file)] },
  safetensorsHeaderLength: {
    run: ops.safetensorsHeaderLength,
    args: [
      required(
        kind(file, {
          'a string': 'x',
          'a number': 1,
          'a short file': new Uint8Array(3),
          noise: new Uint8Array(64).fill(201),
        }),
      ),
    ],
  },
  parseSafetensorsHeader: {
    run: ops.parseSafetensorsHeader,
    args: [
      required(
        kind(file.subarray(8, 72), {
          'a string': 'x',
          'a number': 1,
          'an empty header': new Uint8Array(0),
          noise: new Uint8Array(64).fill(201),
        }),
      ),
      required(
        kind(8, {
          NaN: Number.NaN,
          Infinity,
          'a fraction': 7.5,
          negative: -1,
          'too small': 7,
          'too large': 9,
          'a string': '8',
        }),
      ),
    ],
  },
  decodeSafetensorsBytes: {
    run: ops.decodeSafetensorsBytes,
    args: [
      required(
        kind('F32', {
          'in small letters': 'f32',
          unknown: 'F8_E4M3',
          'a method of objects': 'toString',
          'a number': 1,
        }),
      ),
      required(kind(new Uint8Array(8), { 'a string': 'x', 'a number': 1, 'half an element': new Uint8Array(6) })),
    ],
  },
  writeSafetensors: {
    run: ops.writeSafetensors,
    args: [
      without(
        named({
          a: tensorOf([2, 3], { dtypes: DTYPE_NAMES, isRankFixed: false, fixed: [], hasNoOthers: true }),
          b: {
            good: () => ({ dtype: 'F32', shape: [2], data: [1, 2] }),
            wrong: {
              'too few': () => ({ dtype: 'F32', shape: [2], data: [1] }),
              'an unknown dtype': () => ({ dtype: 'F64', shape: [2], data: [1, 2] }),
              'a shape of fractions': () => ({ dtype: 'F32', shape: [0.5, 4], data: [1, 2] }),
              'no shape': () => ({ dtype: 'F32', data: [1, 2] }),
              'no data': () => ({ dtype: 'F32', shape: [2] }),
            },
          },
        }),
        'an object',
      ),
      {
        good: () => ({ format: 'pt' }),
        wrong: {
          null: () => null,
          'a number': () => 1,
          'a string': () => 'x',
          'a number in it': () => ({ step: 1 }),
          'a list': () => ['x'],
        },
      },
    ],
  },
  kernelTimes: {
    run: ops.kernelTimes,
    args: [list({ good: () => ({ label: 'a', startUs: 0, durationUs: 1 }), wrong: kind(0, { 'a number': 1 }).wrong })],
  },
  chromeTrace: {
    run: ops.chromeTrace,
    args: [list({ good: () => ({ label: 'a', startUs: 0, durationUs: 1 }), wrong: kind(0, { 'a number': 1 }).wrong })],
  },
};
