import { add, affine, type OptimizerOptions, type Parameters, sign } from '@modajs/tensor';
import { callback, notNegative } from '@modajs/tensor/checks';
import { betas } from '@modajs/tensor/extend';
import { MomentumOptimizer, type UpdateRule } from './momentum-optimizer.ts';

/** Options of `Lion`. */
export interface LionOptions extends OptimizerOptions {
  /** Of the step's direction, and of the momentum; [0.9, 0.99] by default, as in the paper. */
  readonly betas?: readonly [number, number];
  /** Decoupled: matrices shrink by `lr * weightDecay` a step. 0 by default. */
  readonly weightDecay?: number;
}

const LION: UpdateRule<LionOptions> = {
  name: 'lion',
  checks: { lr: notNegative, betas, weightDecay: notNegative, noDecay: callback },
  defaults: { betas: [0.9, 0.99], weightDecay: 0 },
  hasMomentum: () => true,
  update({ weight, grad, momentum, lr, weightDecay, options }) {
    const [b1, b2] = options.betas;
    const direction = sign(add(affine(momentum!, b1, 0), affine(grad, 1 - b1, 0)));
    return {
      weight: add(affine(weight, 1 - lr * weightDecay, 0), affine(direction, -lr, 0)),
      momentum: add(affine(momentum!, b2, 0), affine(grad, 1 - b2, 0)),
    };
  },
};

/**
 * Evolved sign momentum: `w <- w - lr (sign(b1 m + (1 - b1) g) + wd w)`, `m <- b2 m + (1 - b2) g`. Every element moves by `lr`, so
 * the paper takes a rate 3 to 10 times smaller than AdamW's and a decay larger by as much.
 *
 * Reference: Chen et al. 2023, "Symbolic discovery of optimization algorithms" (arXiv 2302.06675), algorithm 2.
 */
export class Lion extends MomentumOptimizer<LionOptions> {
  /** @throws ConfigError for values outside their range, no parameters, or one in two groups; DTypeError | DeviceError */
  constructor(params: Parameters<LionOptions>, options: LionOptions) {
    super(LION, params, options);
  }
}
