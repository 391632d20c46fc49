import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOptions, numberThat, type OptionChecks, streamPosition } from '../core/value-checks.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { contiguous } from './views.ts';

/** Where a dropout mask comes from: element i of the tensor uses number `offset + i` of the seed's uniform stream. */
export interface DropoutSource {
  readonly seed: number;
  readonly offset?: number;
}

const DROPOUT_SOURCE: OptionChecks<DropoutSource> = { seed: streamPosition, offset: streamPosition };

/**
 * Zeroes elements with probability p and scales the rest by 1/(1-p). The mask is computed again in the backward pass,
 * never stored. p = 0 returns x.
 *
 * @throws ConfigError unless 0 <= p < 1
 */
export function dropout(x: Tensor, p: number, source: DropoutSource): Tensor {
  return tidy(() => {
    checkOperands('dropout', { x });
    numberThat('dropout', 'p', p, 'in [0, 1)', (value) => value >= 0 && value < 1);
    checkOptions('dropout', source, DROPOUT_SOURCE, ['seed']);
    const { seed, offset = 0 } = source;
    floatOnly('dropout', x);
    if (p === 0) return x;
    const dense = contiguous(x);
    const out = mask(dense, p, seed, offset);
    record([out], [dense], [], ([dOut]) => [mask(contiguous(dOut!), p, seed, offset)]);
    return out;
  });
}

function mask(x: Tensor, p: number, seed: number, offset: number): Tensor {
  const out = allocateTensor(x.device, x.shape, x.dtype);
  x.device.backend.dropout(x.view, p, seed, offset, out.view);
  return out;
}
