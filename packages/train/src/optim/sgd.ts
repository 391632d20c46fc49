import { add, affine, ConfigError } from '@modajs/tensor';
import type { UpdateRule } from './momentum-optimizer.ts';

/** Settings of `sgd`. */
export interface SgdOptions {
  readonly lr: number;
  /** 0: plain gradient descent, which keeps no state. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Coupled, as PyTorch's: added to the gradient, before the momentum. */
  readonly weightDecay: number;
}

/**
 * Stochastic gradient descent as `torch.optim.SGD` without dampening: `d = g + wd w`, `m <- momentum m + d`,
 * `w <- w - lr m`, or with Nesterov `w <- w - lr (d + momentum m)`.
 *
 * Reference: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
 *
 * @throws ConfigError for Nesterov without momentum
 */
export function sgd({ lr, momentum: mu, nesterov, weightDecay }: SgdOptions): UpdateRule {
  if (nesterov && mu === 0) {
    throw new ConfigError('sgd: nesterov needs a momentum above 0, got 0. Set optimizer.sgdMomentum.', {
      momentum: mu,
    });
  }
  return {
    name: 'sgd',
    lr,
    weightDecay,
    hasMomentum: mu > 0,
    update({ weight, grad, momentum, lr, weightDecay }) {
      const direction = weightDecay === 0 ? grad : add(grad, affine(weight, weightDecay, 0));
      const next = momentum && add(affine(momentum, mu, 0), direction);
      const step = next === null ? direction : nesterov ? add(direction, affine(next, mu, 0)) : next;
      return { weight: add(weight, affine(step, -lr, 0)), momentum: next };
    },
  };
}
