import {
  add,
  affine,
  matmul,
  mul,
  type OptimizerOptions,
  type Parameters,
  rsqrt,
  ShapeError,
  square,
  sum,
  type Tensor,
  tidy,
  transpose,
} from '@modajs/tensor';
import { callback, notNegative } from '@modajs/tensor/checks';
import { belowOne } from './below-one.ts';
import { MomentumOptimizer, type UpdateRule } from './momentum-optimizer.ts';

/** Options of `Muon`. */
export interface MuonOptions extends OptimizerOptions {
  /** 0.95 by default. */
  readonly momentum?: number;
  /** Decoupled: matrices shrink by `lr * weightDecay` a step. 0.1 by default. */
  readonly weightDecay?: number;
}

/** Coefficients of the quintic Newton-Schulz iteration. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;

const MUON: UpdateRule<MuonOptions> = {
  name: 'muon',
  checks: { lr: notNegative, momentum: belowOne, weightDecay: notNegative, noDecay: callback },
  defaults: { momentum: 0.95, weightDecay: 0.1 },
  require(_, params) {
    for (const [name, { rank, shape }] of Object.entries(params)) {
      if (rank === 2) continue;
      throw new ShapeError(
        `muon: parameters must be matrices, got ${name} [${shape}]. Give the others to AdamW: combineOptimizers(new Muon(...), new AdamW(...)).`,
        { name, shape },
      );
    }
  },
  hasMomentum: () => true,
  update({ weight, grad, momentum, lr, weightDecay, options: { momentum: beta } }) {
    const next = add(affine(momentum!, beta, 0), grad);
    const direction = orthogonalize(add(grad, affine(next, beta, 0)));
    const [rows, columns] = weight.shape;
    const rate = lr * Math.sqrt(Math.max(1, rows / columns));
    return { weight: add(affine(weight, 1 - lr * weightDecay, 0), affine(direction, -rate, 0)), momentum: next };
  },
};

/**
 * Momentum orthogonalised by Newton-Schulz: with `m <- momentum m + g` and Nesterov's `u = g + momentum m`,
 * `W <- (1 - lr wd) W - lr sqrt(max(1, rows / columns)) orthogonal(u)`. Matrices only, all in f32; by custom those of the blocks, with
 * `AdamW` over the rest (`combineOptimizers`).
 *
 * Reference: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
 */
export class Muon extends MomentumOptimizer<MuonOptions> {
  /** @throws ShapeError for what is no matrix; ConfigError for values outside their range, no parameters, or one in two groups; DTypeError | DeviceError */
  constructor(params: Parameters<MuonOptions>, options: MuonOptions) {
    super(MUON, params, options);
  }
}

/**
 * Approximately `U V^T` for `x = U S V^T`: singular values end within about 0.7 to 1.2.
 *
 * @param x `[rows, columns]`; the smaller side is multiplied
 */
export function orthogonalize(x: Tensor): Tensor {
  return tidy(() => {
    const isTall = x.shape[0] > x.shape[1];
    const wide = isTall ? transpose(x) : x;
    let y = mul(wide, rsqrt(affine(sum(square(wide)), 1, 1e-14)));
    for (let i = 0; i < ITERATIONS; i++) {
      const gram = matmul(y, y, { transposeB: true });
      const polynomial = add(affine(gram, B, 0), affine(matmul(gram, gram), C, 0));
      y = add(affine(y, A, 0), matmul(polynomial, y));
    }
    return isTall ? transpose(y) : y;
  });
}
