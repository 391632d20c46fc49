import { toHalf } from '@modajs/kernels';
import type { Device } from '../../core/device.ts';
import { QuantizedMatrix } from '../../core/quantized-matrix.ts';
import { quantizedLinear } from '../../ops/quantized-linear.ts';
import type { OperatorCase } from '../operator-case.ts';

type Format = QuantizedMatrix['format'];

/** Blocks with every code that there is, scales of both signs. */
function blocksOf(format: Format, [O, I]: readonly [number, number]): Uint8Array {
  const size = format === 'q8_0' ? 34 : 18;
  const bytes = new Uint8Array(((O * I) / 32) * size);
  const view = new DataView(bytes.buffer);
  let state = 7;
  for (let at = 0; at < bytes.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  for (let block = 0; block * size < bytes.length; block++) {
    const scale = ((block % 5) - 2.5) / (format === 'q8_0' ? 200 : 12);
    view.setUint16(block * size, toHalf(scale), true);
  }
  return bytes;
}

const matrices = new WeakMap<Device, Map<string, QuantizedMatrix>>();

/** The same matrix for every run on a device: a backward pass reads it later. */
function matrixOn(device: Device, format: Format, shape: readonly [number, number]): QuantizedMatrix {
  const known = matrices.get(device) ?? new Map<string, QuantizedMatrix>();
  matrices.set(device, known);
  const key = `${format} ${shape}`;
  let matrix = known.get(key);
  if (!matrix) {
    matrix = new QuantizedMatrix(format, shape, device);
    matrix.load(blocksOf(format, shape));
    known.set(key, matrix);
  }
  return matrix;
}

/** Rows around those that the kernel takes; blocks below and above the lanes that share a row; O off every tile. */
const SHAPES: readonly (readonly [rows: readonly number[], O: number, I: number])[] = [
  [[1], 1, 32],
  [[1], 7, 96],
  [[3], 13, 64],
  [[2, 2], 5, 1120],
  [[5], 11, 160],
  [[0], 3, 32],
];

export const quantizedCases: readonly OperatorCase[] = (['q8_0', 'q4_0'] as const).flatMap((format) => [
  ...SHAPES.map(
    ([rows, O, I]): OperatorCase => ({
      name: `quantizedLinear ${format} [rows=${rows.join('x')} O=${O} I=${I}]`,
      inputs: [{ shape: [...rows, I] }],
      run: ([x], device) => quantizedLinear(x, matrixOn(device, format, [O, I])),
    }),
  ),
  {
    name: `quantizedLinear ${format} with bias [rows=2 O=5 I=64]`,
    inputs: [{ shape: [2, 64] }, { shape: [5] }],
    run: ([x, bias], device) => quantizedLinear(x, matrixOn(device, format, [5, 64]), bias),
  },
]);
