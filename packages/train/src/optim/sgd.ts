import { add, affine, ConfigError, type OptimizerOptions, type Parameters } from '@modajs/tensor';
import { callback, flag, notNegative } from '@modajs/tensor/checks';
import { belowOne } from './below-one.ts';
import { MomentumOptimizer, type UpdateRule } from './momentum-optimizer.ts';

/** Options of `SGD`. */
export interface SgdOptions extends OptimizerOptions {
  /** 0, the default: plain gradient descent, which keeps no state. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** Coupled, as PyTorch's: added to the gradient, before the momentum. 0 by default. */
  readonly weightDecay?: number;
}

const SGD_RULE: UpdateRule<SgdOptions> = {
  name: 'sgd',
  checks: { lr: notNegative, momentum: belowOne, nesterov: flag, weightDecay: notNegative, noDecay: callback },
  defaults: { momentum: 0, nesterov: false, weightDecay: 0 },
  require({ nesterov, momentum }) {
    if (!nesterov || momentum > 0) return;
    throw new ConfigError('sgd: nesterov needs a momentum above 0, got 0. Set momentum, such as 0.9.', { momentum });
  },
  hasMomentum: ({ momentum }) => momentum > 0,
  update({ weight, grad, momentum, lr, weightDecay, options: { momentum: mu, nesterov } }) {
    const direction = weightDecay === 0 ? grad : add(grad, affine(weight, weightDecay, 0));
    const next = momentum && add(affine(momentum, mu, 0), direction);
    const step = next === null ? direction : nesterov ? add(direction, affine(next, mu, 0)) : next;
    return { weight: add(weight, affine(step, -lr, 0)), momentum: next };
  },
};

/**
 * Stochastic gradient descent as `torch.optim.SGD` without dampening: `d = g + wd w`, `m <- momentum m + d`,
 * `w <- w - lr m`, or with Nesterov `w <- w - lr (d + momentum m)`.
 *
 * Reference: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
 */
export class SGD extends MomentumOptimizer<SgdOptions> {
  /** @throws ConfigError for Nesterov without momentum, values outside their range, no parameters, or one in two groups; DTypeError | DeviceError */
  constructor(params: Parameters<SgdOptions>, options: SgdOptions) {
    super(SGD_RULE, params, options);
  }
}
