import { adamwKernels } from '../backends/families.ts';
import { mergeRuns } from '../core/packed.ts';
import type { Tensor } from '../core/tensor.ts';
import { callback, notNegative, positive } from '../core/value-checks.ts';
import {
  type CompleteGroup,
  decayOf,
  GroupedOptimizer,
  type OptimizerDefinition,
  type OptimizerOptions,
  type Parameters,
} from './grouped-optimizer.ts';
import type { NamedTensors } from './optimizer.ts';
import { betas } from './optimizer-checks.ts';
import { packedLike } from './packed-like.ts';

export interface AdamWOptions extends OptimizerOptions {
  /** Decay rates of the two moments; [0.9, 0.95] by default. */
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** Decoupled: parameters shrink by `lr * weightDecay` a step. 0.1 by default. */
  readonly weightDecay?: number;
}

const ADAMW: OptimizerDefinition<AdamWOptions> = {
  name: 'adamw',
  checks: { lr: notNegative, betas, eps: positive, weightDecay: notNegative, noDecay: callback },
  defaults: { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 },
};

interface Moments {
  readonly m: Tensor;
  readonly v: Tensor;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019): moments and parameters in f32, bias-corrected, updated
 * in place. A parameter without a gradient stays as it is, and the step does not count for its bias correction, as in PyTorch.
 */
export class AdamW extends GroupedOptimizer<AdamWOptions> {
  /** Of each parameter: the steps in which it had a gradient. */
  readonly #stepCounts: Map<string, number>;
  readonly #moments: ReadonlyMap<string, Moments>;
  readonly #decay: ReadonlyMap<string, number>;

  /**
   * @param params by name, or groups `{ params, lr, ... }` with options of their own
   * @throws ConfigError for values outside their range, no parameters, or one in two groups; DTypeError | DeviceError
   */
  constructor(params: Parameters<AdamWOptions>, options: AdamWOptions) {
    super(ADAMW, params, options);
    const names = Object.keys(this.params);
    this.#stepCounts = new Map(names.map((name) => [name, 0]));
    this.#decay = new Map(
      this.groups.flatMap((group) => Object.keys(group.params).map((name) => [name, decayOf(group, name)] as const)),
    );
    const [m, v] = [packedLike(this.params), packedLike(this.params)];
    this.#moments = new Map(names.map((name) => [name, { m: m[name], v: v[name] }]));
  }

  /** Steps of the parameters that had a gradient in fewer than `stepCount` of them, for a checkpoint. */
  override get laggingStepCounts(): Record<string, number> {
    return Object.fromEntries([...this.#stepCounts].filter(([, count]) => count !== this.stepCount));
  }

  protected override update(group: CompleteGroup<AdamWOptions>, lr: number, gradScale: Tensor | null): void {
    const byCount = new Map<number, [string, Tensor][]>();
    for (const entry of Object.entries(group.params)) {
      if (entry[1].grad === null) continue;
      const count = this.#stepCounts.get(entry[0])! + 1;
      this.#stepCounts.set(entry[0], count);
      const counted = byCount.get(count);
      if (counted === undefined) byCount.set(count, [entry]);
      else counted.push(entry);
    }
    for (const [count, active] of byCount) this.#updateCounted(active, group.options, lr, count, gradScale);
  }

  /** Parameters that have taken `count` steps, this one included: one bias correction for all of them. */
  #updateCounted(
    active: readonly (readonly [string, Tensor])[],
    { betas: [beta1, beta2], eps }: Required<AdamWOptions>,
    lr: number,
    count: number,
    gradScale: Tensor | null,
  ): void {
    const moments = active.map(([name]) => this.#moments.get(name)!);
    const { lists, keys } = mergeRuns(
      [
        active.map(([, tensor]) => tensor.view),
        active.map(([, tensor]) => tensor.grad!.view),
        moments.map(({ m }) => m.view),
        moments.map(({ v }) => v.view),
      ],
      active.map(([name]) => this.#decay.get(name)!),
    );
    const [params, grads, m, v] = lists;
    adamwKernels.on(this.device.backend).adamw({
      params,
      grads,
      m,
      v,
      weightDecay: keys,
      lr,
      beta1,
      beta2,
      eps,
      biasCorrection1: 1 - beta1 ** count,
      biasCorrection2: 1 - beta2 ** count,
      gradScale: gradScale?.view ?? null,
    });
  }

  /** Live tensors of the optimiser for a checkpoint: `<name>.m`, `<name>.v`. With `stepCount` and `laggingStepCounts` they resume bit for bit. */
  override state(): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.#moments].flatMap(([name, { m, v }]) => [
        [`${name}.m`, m],
        [`${name}.v`, v],
      ]),
    );
  }

  override loadState(
    state: NamedTensors,
    stepCount: number,
    laggingStepCounts: Readonly<Record<string, number>> = {},
  ): void {
    super.loadState(state, stepCount);
    for (const name of this.#stepCounts.keys()) {
      this.#stepCounts.set(name, Object.hasOwn(laggingStepCounts, name) ? laggingStepCounts[name] : stepCount);
    }
  }
}
