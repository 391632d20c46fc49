import {
  add,
  affine,
  assign,
  CheckpointError,
  matmul,
  mul,
  noGrad,
  notFinite,
  rsqrt,
  square,
  sum,
  type Tensor,
  tidy,
  transpose,
  where,
  withoutScope,
  zerosLike,
} from '@modajs/tensor';
import type { Optimizer } from './optimizer.ts';

/** Settings of `Muon`. */
export interface MuonOptions {
  readonly lr: number;
  readonly momentum: number;
  /** Decoupled: matrices shrink by `lr * weightDecay` a step. */
  readonly weightDecay: number;
}

/** Coefficients of the quintic Newton-Schulz iteration. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;

/**
 * Momentum orthogonalised by Newton-Schulz: with `m <- momentum m + g` and Nesterov's `u = g + momentum m`,
 * `W <- (1 - lr wd) W - lr sqrt(max(1, rows / columns)) orthogonal(u)`. Matrices only, all in f32.
 *
 * Reference: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
 */
export class Muon implements Optimizer {
  private steps = 0;
  private readonly momenta: Readonly<Record<string, Tensor>>;

  constructor(
    private readonly params: Readonly<Record<string, Tensor>>,
    private readonly options: MuonOptions,
  ) {
    this.momenta = withoutScope(() =>
      Object.fromEntries(Object.entries(params).map(([name, parameter]) => [name, zerosLike(parameter)])),
    );
  }

  get stepCount(): number {
    return this.steps;
  }

  /** Momentum has no bias correction: nothing depends on how often a parameter had a gradient. */
  readonly laggingStepCounts: Readonly<Record<string, number>> = {};

  step(lrRatio: number, gradScale: Tensor): void {
    this.steps++;
    noGrad(() => {
      for (const [name, parameter] of Object.entries(this.params)) {
        if (parameter.grad !== null) this.update(parameter, parameter.grad, this.momenta[name], lrRatio, gradScale);
      }
    });
  }

  state(): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(this.momenta).map(([name, momentum]) => [`${name}.momentum`, momentum]));
  }

  loadState(state: Readonly<Record<string, Tensor>>, stepCount: number): void {
    for (const [name, momentum] of Object.entries(this.state())) {
      const stored = state[name];
      if (stored === undefined || String(stored.shape) !== String(momentum.shape)) {
        throw new CheckpointError(
          `muon: ${name} must be [${momentum.shape}] in the checkpoint, got ${stored ? `[${stored.shape}]` : 'nothing'}. ` +
            'Was it saved with another optimiser or model?',
          { name },
        );
      }
      assign(momentum, stored);
    }
    this.steps = stepCount;
  }

  dispose(): void {
    for (const momentum of Object.values(this.momenta)) momentum.dispose();
  }

  private update(parameter: Tensor, grad: Tensor, momentum: Tensor, lrRatio: number, gradScale: Tensor): void {
    const { momentum: beta, weightDecay } = this.options;
    const lr = this.options.lr * lrRatio;
    tidy(() => {
      const g = mul(grad, gradScale);
      const nextMomentum = add(affine(momentum, beta, 0), g);
      const direction = orthogonalize(add(g, affine(nextMomentum, beta, 0)));
      const [rows, columns] = parameter.shape;
      const rate = lr * Math.sqrt(Math.max(1, rows / columns));
      const next = add(affine(parameter, 1 - lr * weightDecay, 0), affine(direction, -rate, 0));
      // A refused step (NaN scale) must leave weights and momentum as they are.
      const refused = notFinite(gradScale);
      assign(parameter, where(refused, parameter, next));
      assign(momentum, where(refused, momentum, nextMomentum));
    });
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
