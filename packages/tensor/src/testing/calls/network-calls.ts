import { DTYPE_NAMES } from '../../core/dtype.ts';
import * as ops from '../../index.ts';
import type { CallTable } from './call.ts';
import {
  axis,
  device,
  flag,
  floatDType,
  type Kind,
  kind,
  name,
  notNegative,
  optional,
  options,
  positive,
  required,
  shape,
  tensorOf,
  whole,
  without,
} from './kinds.ts';

const f32 = { dtypes: ['f32'] } as const;
const ids = { dtypes: ['i32', 'u32'] } as const;
const [B, T, H, Hkv, D] = [2, 3, 4, 2, 6];
const heads = tensorOf([B, T, H, D], { ...f32, fixed: [0, 1, 3] });
const positions = tensorOf([B, T], ids);
const rows = tensorOf([B, D], { ...f32, isRankFixed: false, fixed: [1] });
const weight = tensorOf([D], f32);
const turning = { theta: positive(100), interleaved: flag };

const blocks = { format: 'q4_0', shape: [5, 32], bytes: 5 * 18 } as const;

/** Calls with a matrix of zeros, and disposes of it. */
function withBlocks<Result>(here: ops.Device, run: (matrix: ops.QuantizedMatrix) => Result): Result {
  using matrix = new ops.QuantizedMatrix(blocks.format, blocks.shape, here);
  return run(matrix);
}

const blockBytes: Kind = kind(new Uint8Array(blocks.bytes), {
  'a byte less': new Uint8Array(blocks.bytes - 1),
  'a string': 'x',
  'a number': 1,
});

/** Layers, losses and attention. */
export const networkCalls: CallTable = {
  QuantizedMatrix: {
    run: (...args: ConstructorParameters<typeof ops.QuantizedMatrix>) => new ops.QuantizedMatrix(...args).dispose(),
    args: [
      required(name(blocks.format)),
      { ...shape([5, 32]), wrong: { ...shape([5, 32]).wrong, 'blocks that are cut': () => [5, 33] } },
      device,
    ],
  },
  'QuantizedMatrix.load': {
    run: (anchor: ops.Tensor, bytes: Uint8Array) => withBlocks(anchor.device, (matrix) => matrix.load(bytes)),
    args: [{ ...tensorOf([1]), wrong: {} }, required(blockBytes)],
  },
  quantizedLinear: {
    run: (x: ops.Tensor, weight: unknown, bias: ops.Tensor, anchor: ops.Tensor) =>
      withBlocks(anchor.device, (matrix) => ops.quantizedLinear(x, (weight ?? matrix) as ops.QuantizedMatrix, bias)),
    args: [
      tensorOf([2, 32], { ...f32, isRankFixed: false, fixed: [1], hasNoOthers: false }),
      {
        good: () => undefined,
        wrong: { 'a number': () => 1, 'an object': () => ({ format: 'q4_0', shape: [5, 32] }) },
      },
      optional(tensorOf([5], f32)),
      { ...tensorOf([1]), wrong: {} },
    ],
  },
  softmax: {
    run: ops.softmax,
    args: [tensorOf([2, 3], { isRankFixed: false, fixed: [], hasNoOthers: true }), without(axis(2), 'nothing')],
  },
  logSoftmax: {
    run: ops.logSoftmax,
    args: [tensorOf([2, 3], { isRankFixed: false, fixed: [], hasNoOthers: true }), without(axis(2), 'nothing')],
  },
  embedding: {
    run: ops.embedding,
    args: [tensorOf([5, 3], { fixed: [] }), tensorOf([2, 2], { ...ids, isRankFixed: false, fixed: [] })],
  },
  gather: {
    run: ops.gather,
    args: [
      tensorOf([4, 3], { dtypes: DTYPE_NAMES, isRankFixed: false, fixed: [] }),
      tensorOf([2], { ...ids, fixed: [] }),
      axis(2),
    ],
  },
  matmul: {
    run: ops.matmul,
    args: [
      tensorOf([2, 3], { ...f32, isRankFixed: false, fixed: [1] }),
      tensorOf([3, 4], { ...f32, isRankFixed: false }),
      options({
        bias: optional(tensorOf([4], f32)),
        outDtype: floatDType,
        transposeA: { ...flag, good: () => false },
        transposeB: { ...flag, good: () => false },
      }),
    ],
  },
  linear: {
    run: ops.linear,
    args: [
      rows,
      tensorOf([4, D], f32),
      optional(tensorOf([4], f32)),
      optional(tensorOf([B, 4], { ...f32, isRankFixed: false })),
    ],
  },
  rmsNorm: { run: ops.rmsNorm, args: [rows, optional(weight), notNegative(1e-5)] },
  layerNorm: { run: ops.layerNorm, args: [rows, optional(weight), optional(weight), notNegative(1e-5)] },
  addRmsNorm: {
    run: ops.addRmsNorm,
    args: [tensorOf([B, D], f32), tensorOf([B, D], f32), optional(weight), notNegative(1e-5)],
  },
  addLayerNorm: {
    run: ops.addLayerNorm,
    args: [tensorOf([B, D], f32), tensorOf([B, D], f32), optional(weight), optional(weight), notNegative(1e-5)],
  },
  rmsNormRope: {
    run: ops.rmsNormRope,
    args: [
      heads,
      optional(tensorOf([D], f32)),
      positions,
      options({
        ...turning,
        eps: notNegative(1e-5),
        full: { ...flag, good: () => false },
        into: optional(tensorOf([B, T, H, D], { ...f32, isRankFixed: false })),
      }),
    ],
  },
  rope: {
    run: ops.rope,
    args: [
      tensorOf([B, T, H, D], { ...f32, fixed: [0, 1] }),
      positions,
      options({
        ...turning,
        rotaryDim: whole(4, 0, D),
        into: optional(tensorOf([B, T, H, D], { ...f32, isRankFixed: false })),
      }),
    ],
  },
  ropePair: {
    run: ops.ropePair,
    args: [
      heads,
      tensorOf([B, T, Hkv, D], { ...f32, fixed: [0, 1, 3] }),
      positions,
      options({
        ...turning,
        rotaryDim: whole(4, 0, D),
        into: options({
          q: optional(tensorOf([B, T, H, D], { ...f32, isRankFixed: false })),
          k: optional(tensorOf([B, T, Hkv, D], { ...f32, isRankFixed: false })),
        }),
      }),
    ],
  },
  crossEntropy: {
    run: ops.crossEntropy,
    args: [
      tensorOf([3, 5], { fixed: [0] }),
      tensorOf([3], { dtypes: ['i32'] }),
      options({ ignoreIndex: whole(-100, -(2 ** 31), 2 ** 31 - 1), zLoss: notNegative(0.1), reduction: name('mean') }),
    ],
  },
  linearCrossEntropy: {
    run: ops.linearCrossEntropy,
    args: [
      tensorOf([3, 4], f32),
      tensorOf([5, 4], { ...f32, fixed: [1] }),
      tensorOf([3], { dtypes: ['i32'] }),
      options({
        ignoreIndex: whole(-100, -(2 ** 31), 2 ** 31 - 1),
        zLoss: notNegative(0.1),
        chunk: whole(2, 1),
        parts: optional(tensorOf([2], f32)),
      }),
    ],
  },
  dropout: {
    run: ops.dropout,
    args: [
      tensorOf([2, 3], { isRankFixed: false, fixed: [], hasNoOthers: true }),
      required({ good: () => 0.5, wrong: { ...notNegative(0.5).wrong, one: () => 1 } }),
      options({ seed: whole(1), offset: whole(2) }, ['seed']),
    ],
  },
};
