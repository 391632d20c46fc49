import {
  assign,
  CheckpointError,
  cast,
  hasDecay,
  mul,
  noGrad,
  notFinite,
  packedZeros,
  type Tensor,
  tidy,
  where,
  withoutScope,
} from '@modajs/tensor';
import type { Optimizer } from './optimizer.ts';

/** One parameter's update, all in f32 and of one shape. */
export interface UpdateArguments {
  readonly weight: Tensor;
  readonly grad: Tensor;
  /** Zeros before the first update; null for a rule that keeps nothing. */
  readonly momentum: Tensor | null;
  readonly lr: number;
  /** 0 for parameters that are not decayed. */
  readonly weightDecay: number;
}

/** What differs between optimisers that keep at most one number an element. */
export interface UpdateRule {
  /** In error messages. */
  readonly name: string;
  readonly lr: number;
  readonly weightDecay: number;
  readonly hasMomentum: boolean;
  /** New tensors for what changes. */
  readonly update: (args: UpdateArguments) => { readonly weight: Tensor; readonly momentum: Tensor | null };
}

/**
 * An optimiser from the formula of its update, in tensor operators: keeps the momentum, leaves everything as it is when
 * `gradScale` is not finite, skips parameters without a gradient and decays those of matrices (`hasDecay`).
 */
export class MomentumOptimizer implements Optimizer {
  #steps = 0;
  readonly #momenta: ReadonlyMap<string, Tensor>;

  constructor(
    private readonly params: Readonly<Record<string, Tensor>>,
    private readonly rule: UpdateRule,
  ) {
    const entries = rule.hasMomentum ? Object.entries(params) : [];
    const shapes = entries.map(([, { shape }]) => shape);
    const zeros = entries.length === 0 ? [] : withoutScope(() => packedZeros(entries[0][1].device, shapes, 'f32'));
    this.#momenta = new Map(entries.map(([name], i) => [name, zeros[i]]));
  }

  get stepCount(): number {
    return this.#steps;
  }

  /** Nothing is corrected for bias: how often a parameter had a gradient does not matter. */
  readonly laggingStepCounts: Readonly<Record<string, number>> = {};

  step(lrRatio: number, gradScale: Tensor): void {
    this.#steps++;
    const lr = this.rule.lr * lrRatio;
    noGrad(() => {
      for (const [name, parameter] of Object.entries(this.params)) {
        if (parameter.grad !== null) tidy(() => this.#update(name, parameter, parameter.grad!, lr, gradScale));
      }
    });
  }

  #update(name: string, weight: Tensor, gradient: Tensor, lr: number, gradScale: Tensor): void {
    const momentum = this.#momenta.get(name) ?? null;
    const weightDecay = hasDecay(name, weight) ? this.rule.weightDecay : 0;
    const grad = mul(cast(gradient, 'f32'), gradScale);
    const next = this.rule.update({ weight, grad, momentum, lr, weightDecay });
    const isRefused = notFinite(gradScale);
    assign(weight, where(isRefused, weight, next.weight));
    if (momentum !== null) assign(momentum, where(isRefused, momentum, next.momentum!));
  }

  state(): Record<string, Tensor> {
    return Object.fromEntries([...this.#momenta].map(([name, momentum]) => [`${name}.momentum`, momentum]));
  }

  loadState(state: Readonly<Record<string, Tensor>>, stepCount: number): void {
    const own = Object.entries(this.state());
    for (const [name, momentum] of own) {
      const stored = state[name];
      if (stored !== undefined && String(stored.shape) === String(momentum.shape)) continue;
      throw new CheckpointError(
        `${this.rule.name}: ${name} must be [${momentum.shape}] in the checkpoint, got ${stored ? `[${stored.shape}]` : 'nothing'}. ` +
          'Was it saved with another optimiser or model?',
        { name },
      );
    }
    for (const [name, momentum] of own) assign(momentum, state[name]);
    this.#steps = stepCount;
  }

  dispose(): void {
    for (const momentum of this.#momenta.values()) momentum.dispose();
  }
}
