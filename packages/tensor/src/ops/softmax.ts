import { softmaxKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { normalizeAxis } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { contiguous, transpose } from './views.ts';

function run(operation: 'softmax' | 'logSoftmax', x: Tensor): Tensor {
  return tidy(() => {
    const device = checkOperands(operation, { x });
    floatOnly(operation, x);
    const isLog = operation === 'logSoftmax';
    const source = contiguous(x);
    const out = allocateTensor(device, x.shape, x.dtype);
    softmaxKernels.on(device.backend).softmax(source.view, out.view, isLog);
    record([out], [source], [out], ([gradient], [y]) => {
      const dx = allocateTensor(device, y.shape, y.dtype);
      softmaxKernels.on(device.backend).softmaxBackward(y.view, contiguous(gradient!).view, dx.view, isLog);
      return [dx];
    });
    return out;
  });
}

/**
 * exp(x - max) / sum, along one axis. A row of -Infinity gives zeros.
 *
 * @param axis the last by default; another one costs two copies of x
 * @throws ShapeError for the axis; DTypeError for integers
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return along('softmax', x, axis);
}

/** x - logsumexp(x), along one axis. @param axis as of `softmax`; @throws as `softmax` */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return along('logSoftmax', x, axis);
}

function along(operation: 'softmax' | 'logSoftmax', x: Tensor, axis: number): Tensor {
  if (axis === -1) return run(operation, x);
  checkOperands(operation, { x });
  const at = normalizeAxis(operation, axis, x.rank);
  const last = x.rank - 1;
  if (at === last) return run(operation, x);
  const swap = x.shape.map((_, i) => (i === at ? last : i === last ? at : i));
  return tidy(() => transpose(run(operation, transpose(x, swap)), swap));
}
