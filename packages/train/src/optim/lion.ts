import { add, affine, sign } from '@modajs/tensor';
import type { UpdateRule } from './momentum-optimizer.ts';

/** Settings of `lion`. */
export interface LionOptions {
  readonly lr: number;
  /** Of the step's direction, and of the momentum; the paper's are 0.9 and 0.99. */
  readonly betas: readonly [number, number];
  /** Decoupled: matrices shrink by `lr * weightDecay` a step. */
  readonly weightDecay: number;
}

/**
 * Evolved sign momentum: `w <- w - lr (sign(b1 m + (1 - b1) g) + wd w)`, `m <- b2 m + (1 - b2) g`. Every element moves by `lr`, so
 * the paper takes a rate 3 to 10 times smaller than AdamW's and a decay larger by as much.
 *
 * Reference: Chen et al. 2023, "Symbolic discovery of optimization algorithms" (arXiv 2302.06675), algorithm 2.
 */
export function lion({ lr, betas: [b1, b2], weightDecay }: LionOptions): UpdateRule {
  return {
    name: 'lion',
    lr,
    weightDecay,
    hasMomentum: true,
    update({ weight, grad, momentum, lr, weightDecay }) {
      const direction = sign(add(affine(momentum!, b1, 0), affine(grad, 1 - b1, 0)));
      return {
        weight: add(affine(weight, 1 - lr * weightDecay, 0), affine(direction, -lr, 0)),
        momentum: add(affine(momentum!, b2, 0), affine(grad, 1 - b2, 0)),
      };
    },
  };
}
