import type { ArrayView } from '../backends/backend.ts';
import { record } from '../core/autograd.ts';
import type { Destination } from '../core/destination.ts';
import type { DType } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { broadcastShapes, formatShape, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkedLater, checkOptions, flag, floatDTypeName, type OptionChecks } from '../core/value-checks.ts';
import { checkOperands, floatOnly, sameDType, shapeIs } from './checks.ts';
import { resultMemory } from './result-memory.ts';
import { broadcastTo, cast, reshape, sumTo, transpose } from './views.ts';

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** `[N]`, added to each row. */
  readonly bias?: Tensor;
  /** dtype of the result; that of a and b by default. Products are accumulated in f32 always. */
  readonly outDtype?: DType;
}

/** `bias` is checked with a and b. */
const MATMUL_OPTIONS: OptionChecks<MatmulOptions> = {
  transposeA: flag,
  transposeB: flag,
  bias: checkedLater,
  outDtype: floatDTypeName,
};

/**
 * a . b over the last two axes: `[..., M, K] . [..., K, N] -> [..., M, N]`; leading axes broadcast, transposes are views.
 *
 * @throws ShapeError when K differs or leading axes do not broadcast; DTypeError when dtypes differ
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  return tidy(() => {
    checkOptions('matmul', options, MATMUL_OPTIONS);
    const { transposeA = false, transposeB = false, bias, outDtype } = options;
    checkOperands('matmul', { a, b }, { bias });
    if (a.rank < 2 || b.rank < 2) {
      throw new ShapeError(
        `matmul: operands need two axes or more, got ${formatShape(a.shape)} and ${formatShape(b.shape)}. Use unsqueeze().`,
      );
    }
    const left = transposeA ? transpose(a) : a;
    const right = transposeB ? transpose(b) : b;
    const [M, K] = left.shape.slice(-2);
    const [K2, N] = right.shape.slice(-2);
    if (K !== K2) {
      throw new ShapeError(
        `matmul: the inner extents must agree, got ${formatShape(left.shape)} and ${formatShape(right.shape)}: K=${K} and K=${K2}.`,
        { a: left.shape, b: right.shape },
      );
    }
    floatOnly('matmul', a, b);
    const dtype = sameDType('matmul', a, b, bias);
    if (bias) shapeIs('matmul', 'bias', bias.shape, [N], '[N]');
    return product(left, right, M, N, bias ?? null, outDtype ?? dtype);
  });
}

function product(a: Tensor, b: Tensor, M: number, N: number, bias: Tensor | null, outDtype: DType): Tensor {
  return tidy(() => {
    const { device } = a;
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    const out = allocateTensor(device, [...batch, M, N], outDtype);
    const wideA = broadcastTo(a.detach(), [...batch, ...a.shape.slice(-2)]);
    const wideB = broadcastTo(b.detach(), [...batch, ...b.shape.slice(-2)]);
    device.backend.matmul(wideA.view, wideB.view, out.view, bias ? { bias: bias.view } : undefined);
    record([out], [a, b, bias], [a, b], ([gradient], [sa, sb], needs) => {
      const dOut = cast(gradient!, sa.dtype);
      return [
        needs[0] ? gradientOf(dOut, transpose(sb), sa) : null,
        needs[1] ? gradientOf(transpose(sa), dOut, sb) : null,
        needs[2] ? reshape(sumTo(dOut, [N]), [N]) : null,
      ];
    });
    return out;
  });
}

/** x . y, summed to the shape of the operand it belongs to. Leading axes of a broadcast right side are folded into rows. */
function gradientOf(x: Tensor, y: Tensor, operand: Tensor): Tensor {
  const dtype = operand.dtype;
  return sumTo(product(x, y, x.shape.at(-2)!, y.shape.at(-1)!, null, dtype), operand.shape);
}

/**
 * x . weight^T + bias: `x [..., I]`, `weight [O, I]` (Hugging Face's layout), `bias [O]` -> `[..., O]`.
 * Leading axes become rows of one product, so weight gradients are one product too, straight into the parameter's gradient
 * memory where it has some.
 *
 * @param into memory for the result, of its size: a depth slot. New by default
 * @throws ShapeError when I differs; DTypeError | DeviceError
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null, into?: Tensor | null): Tensor {
  return tidy(() => {
    const device = checkOperands('linear', { x, weight }, { bias, into });
    const I = x.shape.at(-1);
    if (weight.rank !== 2 || weight.shape[1] !== I) {
      throw new ShapeError(
        `linear: weight must be [O, I] with I = ${I} as x ${formatShape(x.shape)}, got ${formatShape(weight.shape)}.`,
        { x: x.shape, weight: weight.shape },
      );
    }
    floatOnly('linear', x, weight);
    const dtype = sameDType('linear', x, weight, bias);
    const O = weight.shape[0];
    if (bias) shapeIs('linear', 'bias', bias.shape, [O], '[O]');
    const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), I]);
    const out = resultMemory('linear', device, [rows.shape[0], O], dtype, into);
    device.backend.matmul(rows.view, transposed(weight), out.view, bias ? { bias: bias.view } : undefined);
    const likeBias = bias ? { device, shape: bias.shape, dtype: bias.dtype } : null;
    record([out], [rows, weight, bias ?? null], [rows, weight], ([gradient], [sx, sw], needs, destination) => {
      const dOut = cast(gradient!, sx.dtype);
      return [
        needs[0] ? productInto(dOut.view, sw.view, destination(0, sx)) : null,
        needs[1] ? productInto(transposed(dOut), sx.view, destination(1, sw, true)) : null,
        needs[2] ? rowSum(dOut, destination(2, likeBias!, true)) : null,
      ];
    });
    return reshape(out, [...x.shape.slice(0, -1), O]);
  });
}

function transposed({ view }: Tensor): ArrayView {
  const { shape, strides } = view;
  return { ...view, shape: [shape[1], shape[0]], strides: [strides[1], strides[0]] };
}

/** a . b, written or added to its destination. */
function productInto(a: ArrayView, b: ArrayView, { tensor, accumulate }: Destination): Tensor {
  tensor.device.backend.matmul(a, b, tensor.view, { accumulate });
  return tensor;
}

/** Sum of the rows of dOut: `[R, O]` -> `[O]`. */
function rowSum(dOut: Tensor, { tensor, accumulate }: Destination): Tensor {
  const O = dOut.shape[1];
  const row = { ...tensor.view, shape: [1, O], strides: [O, 1] };
  dOut.device.backend.reduce('sum', dOut.view, [0], row, accumulate);
  return tensor;
}
