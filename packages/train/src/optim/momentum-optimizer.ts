import type { OptimizerOptions } from '@modajs/tensor';
import { assign, cast, mul, notFinite, type Parameters, type Tensor, tidy, where } from '@modajs/tensor';
import {
  type CompleteGroup,
  decayOf,
  GroupedOptimizer,
  type OptimizerDefinition,
  packedLike,
} from '@modajs/tensor/extend';

/** One parameter's update, all in f32 and of one shape. */
export interface UpdateArguments<Options> {
  readonly weight: Tensor;
  readonly grad: Tensor;
  /** Zeros before the first update; null where nothing is kept. */
  readonly momentum: Tensor | null;
  readonly lr: number;
  /** 0 for parameters that are not decayed. */
  readonly weightDecay: number;
  /** Of the parameter's group. */
  readonly options: Required<Options>;
}

/** What differs between optimisers that keep at most one number an element. */
export interface UpdateRule<Options extends OptimizerOptions> extends OptimizerDefinition<Options> {
  /** Refuses what contradicts itself, or a parameter that the rule cannot update. */
  readonly require?: (options: Required<Options>, params: Readonly<Record<string, Tensor>>) => void;
  readonly hasMomentum: (options: Required<Options>) => boolean;
  /** New tensors for what changes. */
  readonly update: (args: UpdateArguments<Options>) => { readonly weight: Tensor; readonly momentum: Tensor | null };
}

/**
 * An optimiser from the formula of its update, in tensor operators: keeps the momentum, leaves everything as it is when
 * `gradScale` is not finite, skips parameters without a gradient and decays those of matrices (`hasDecay`).
 */
export class MomentumOptimizer<Options extends OptimizerOptions> extends GroupedOptimizer<Options> {
  readonly #rule: UpdateRule<Options>;
  readonly #momenta: ReadonlyMap<string, Tensor>;

  /** @throws ConfigError for values outside their range, no parameters, or one in two groups; DTypeError | DeviceError */
  constructor(rule: UpdateRule<Options>, params: Parameters<Options>, options: Options) {
    super(rule, params, options);
    for (const group of this.groups) rule.require?.(group.options, group.params);
    const kept = this.groups.filter((group) => rule.hasMomentum(group.options));
    const all: Record<string, Tensor> = Object.assign({}, ...kept.map(({ params }) => params));
    this.#rule = rule;
    this.#momenta = new Map(kept.length === 0 ? [] : Object.entries(packedLike(all)));
  }

  protected override update(group: CompleteGroup<Options>, lr: number, gradScale: Tensor | null): void {
    for (const [name, { grad }] of Object.entries(group.params)) {
      if (grad !== null) tidy(() => this.#updateOne(group, name, grad, lr, gradScale));
    }
  }

  #updateOne(
    group: CompleteGroup<Options>,
    name: string,
    gradient: Tensor,
    lr: number,
    gradScale: Tensor | null,
  ): void {
    const weight = group.params[name];
    const momentum = this.#momenta.get(name) ?? null;
    const plain = cast(gradient, 'f32');
    const grad = gradScale === null ? plain : mul(plain, gradScale);
    const weightDecay = decayOf(group, name);
    const next = this.#rule.update({ weight, grad, momentum, lr, weightDecay, options: group.options });
    const isRefused = gradScale && notFinite(gradScale);
    const unlessRefused = (old: Tensor, now: Tensor): Tensor => (isRefused ? where(isRefused, old, now) : now);
    assign(weight, unlessRefused(weight, next.weight));
    if (momentum !== null) assign(momentum, unlessRefused(momentum, next.momentum!));
  }

  /** `<name>.momentum`. */
  override state(): Record<string, Tensor> {
    return Object.fromEntries([...this.#momenta].map(([name, momentum]) => [`${name}.momentum`, momentum]));
  }
}
