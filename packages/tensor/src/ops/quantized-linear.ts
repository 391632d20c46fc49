import { QUANTIZED_ROWS } from '@modajs/kernels/formats';
import type { ArrayView } from '../backends/backend.ts';
import { quantizedKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { ConfigError, DeviceError, ShapeError, shown } from '../core/errors.ts';
import { QuantizedMatrix } from '../core/quantized-matrix.ts';
import { tidy } from '../core/scope.ts';
import { formatShape, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOperands, floatOnly, sameDType, shapeIs } from './checks.ts';
import { add } from './elementwise.ts';
import { cast, reshape } from './views.ts';

/**
 * x . W^T + bias for a quantized W: `x [..., I]`, W `[O, I]`, `bias [O]` -> `[..., O]`. Up to four rows (decoding) are multiplied by a kernel
 * that reads the blocks; for more, and for the gradient of x, the numbers of W stand in temporary memory of x's dtype during the product. W
 * has no gradient.
 *
 * @throws ShapeError when I differs; DTypeError | DeviceError
 */
export function quantizedLinear(x: Tensor, weight: QuantizedMatrix, bias?: Tensor | null): Tensor {
  return tidy(() => {
    const device = checkOperands('quantizedLinear', { x }, { bias });
    floatOnly('quantizedLinear', x);
    const dtype = sameDType('quantizedLinear', x, bias);
    if (!(weight instanceof QuantizedMatrix))
      throw new ConfigError(`quantizedLinear: weight must be a QuantizedMatrix, got ${shown(weight)}.`);
    const [O, I] = weight.shape;
    if (x.shape.at(-1) !== I) {
      throw new ShapeError(
        `quantizedLinear: x must be [..., I] with I = ${I} as weight [${O}, ${I}], got ${formatShape(x.shape)}.`,
        {
          x: x.shape,
          weight: weight.shape,
        },
      );
    }
    if (weight.device !== device) {
      throw new DeviceError(
        `quantizedLinear: weight must be on x's device ${device}, got ${weight.device}. Load it there.`,
      );
    }
    if (bias) shapeIs('quantizedLinear', 'bias', bias.shape, [O], '[O]');
    const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), I]);
    const out = allocateTensor(device, [rows.shape[0], O], dtype);
    if (rows.shape[0] > 0 && rows.shape[0] <= QUANTIZED_ROWS) {
      quantizedKernels.on(device.backend).quantizedProduct(rows.view, weight.view, out.view);
    } else {
      withNumbers(weight, out, (numbers) => device.backend.matmul(rows.view, transposed(numbers), out.view));
    }
    record([out], [rows], [], ([gradient], _saved, _needs, destination) => {
      const dOut = cast(gradient!, dtype);
      const { tensor, accumulate } = destination(0, { device, shape: rows.shape, dtype });
      withNumbers(weight, dOut, (numbers) => device.backend.matmul(dOut.view, numbers, tensor.view, { accumulate }));
      return [tensor];
    });
    const sum = bias ? add(out, bias) : out;
    return reshape(sum, [...x.shape.slice(0, -1), O]);
  });
}

/** Calls with the numbers of W in the dtype of `like`, in memory that is free again afterwards. */
function withNumbers(weight: QuantizedMatrix, like: Tensor, use: (numbers: ArrayView) => void): void {
  tidy(() => {
    const numbers = allocateTensor(like.device, weight.shape, like.dtype);
    quantizedKernels.on(like.device.backend).dequantize(weight.view, numbers.view);
    use(numbers.view);
  });
}

function transposed(view: ArrayView): ArrayView {
  const { shape, strides } = view;
  return { ...view, shape: [shape[1], shape[0]], strides: [strides[1], strides[0]] };
}
