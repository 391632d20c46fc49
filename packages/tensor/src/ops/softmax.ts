import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { contiguous } from './views.ts';

function run(operation: 'softmax' | 'logSoftmax', x: Tensor): Tensor {
  return tidy(() => {
    const device = checkOperands(operation, { x });
    floatOnly(operation, x);
    const isLog = operation === 'logSoftmax';
    const source = contiguous(x);
    const out = allocateTensor(device, x.shape, x.dtype);
    device.backend.softmax(source.view, out.view, isLog);
    record([out], [source], [out], ([gradient], [y]) => {
      const dx = allocateTensor(device, y.shape, y.dtype);
      device.backend.softmaxBackward(y.view, contiguous(gradient!).view, dx.view, isLog);
      return [dx];
    });
    return out;
  });
}

/** exp(x - max) / sum, along the last axis. A row of -Infinity gives zeros. */
export function softmax(x: Tensor): Tensor {
  return run('softmax', x);
}

/** x - logsumexp(x), along the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  return run('logSoftmax', x);
}
