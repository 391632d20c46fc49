import type { Device } from '../core/device.ts';
import { CheckpointError } from '../core/errors.ts';
import { memoryOrder, mergeRuns, packedZeros } from '../core/packed.ts';
import { hasDecay } from '../core/parameter-role.ts';
import { withoutScope } from '../core/scope.ts';
import { sameShape } from '../core/shape.ts';
import { livingTensor, type Tensor } from '../core/tensor.ts';
import {
  callback,
  checkedLater,
  checkNames,
  checkOptions,
  notNegative,
  type OptionChecks,
  positive,
  wholeNumber,
} from '../core/value-checks.ts';
import { checkScalar, dtypeIs, isOneDevice } from '../ops/checks.ts';
import { betas, checkGradients, checkNamedTensors } from './optimizer-checks.ts';

export type NamedTensors = Readonly<Record<string, Tensor>>;

export interface AdamWOptions {
  readonly lr: number;
  /** Decay rates of the two moments; [0.9, 0.95] by default. */
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  /** Decoupled: parameters shrink by `lr * weightDecay` a step. 0.1 by default. */
  readonly weightDecay?: number;
  /**
   * Parameters without decay; by default those that `hasDecay` leaves out.
   */
  readonly noDecay?: (name: string, parameter: Tensor) => boolean;
}

const ADAMW_OPTIONS: OptionChecks<AdamWOptions> = {
  lr: notNegative,
  betas,
  eps: positive,
  weightDecay: notNegative,
  noDecay: callback,
};

/** Options of `AdamW.step`. */
export interface StepOptions {
  /** Overrides the learning rate for this and later steps. */
  readonly lr?: number;
  /** f32 scalar that multiplies all gradients (`clipGradNorm`); when it is NaN or infinite nothing changes but the step count. */
  readonly gradScale?: Tensor | null;
}

const STEP_OPTIONS: OptionChecks<StepOptions> = { lr: notNegative, gradScale: checkedLater };

interface Moments {
  readonly m: Tensor;
  readonly v: Tensor;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019): moments and parameters in f32, bias-corrected, updated
 * in place. A parameter without a gradient stays as it is, and the step does not count for its bias correction, as in PyTorch.
 */
export class AdamW implements Disposable {
  #stepCount = 0;
  /** Of each parameter: the steps in which it had a gradient. */
  readonly #stepCounts: Map<string, number>;
  readonly #moments: ReadonlyMap<string, Moments>;
  readonly #decay: ReadonlyMap<string, number>;
  readonly #device: Device;
  lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;

  /** @throws ConfigError for values outside their range or no parameters; DTypeError | DeviceError */
  constructor(
    readonly params: NamedTensors,
    options: AdamWOptions,
  ) {
    checkOptions('adamw', options, ADAMW_OPTIONS, ['lr']);
    const {
      lr,
      betas = [0.9, 0.95],
      eps = 1e-8,
      weightDecay = 0.1,
      noDecay = (name, tensor) => !hasDecay(name, tensor),
    } = options;
    const device = checkNamedTensors('adamw', 'params', params, 'f32');
    const entries = Object.entries(params);
    this.lr = lr;
    this.betas = betas;
    this.eps = eps;
    this.#device = device;
    this.#stepCounts = new Map(entries.map(([name]) => [name, 0]));
    this.#decay = new Map(entries.map(([name, tensor]) => [name, noDecay(name, tensor) ? 0 : weightDecay]));
    const [m, v] = [packedLike(params), packedLike(params)];
    this.#moments = new Map(entries.map(([name]) => [name, { m: m[name], v: v[name] }]));
  }

  get stepCount(): number {
    return this.#stepCount;
  }

  /** Steps of the parameters that had a gradient in fewer than `stepCount` of them, for a checkpoint. */
  get laggingStepCounts(): Record<string, number> {
    return Object.fromEntries([...this.#stepCounts].filter(([, count]) => count !== this.#stepCount));
  }

  /**
   * One update from the parameters' `grad`.
   *
   * @throws ConfigError | DTypeError | ShapeError | DeviceError before anything has changed
   */
  step(options: StepOptions = {}): void {
    checkOptions('adamw.step', options, STEP_OPTIONS);
    const { lr = this.lr, gradScale = null } = options;
    notNegative('adamw.step', 'lr', lr);
    checkGradients('adamw.step', this.params, this.#device);
    if (gradScale) checkScalar('adamw.step', 'gradScale', gradScale, this.#device);
    this.lr = lr;
    this.#stepCount++;
    const withGradient = Object.entries(this.params).filter(([, tensor]) => tensor.grad !== null);
    const byCount = new Map<number, [string, Tensor][]>();
    for (const entry of withGradient) {
      const count = this.#stepCounts.get(entry[0])! + 1;
      this.#stepCounts.set(entry[0], count);
      byCount.set(count, [...(byCount.get(count) ?? []), entry]);
    }
    for (const [count, active] of byCount) this.#update(active, count, gradScale);
  }

  /** Parameters that have taken `count` steps, this one included: one bias correction for all of them. */
  #update(active: readonly (readonly [string, Tensor])[], count: number, gradScale: Tensor | null): void {
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
    this.#device.backend.adamw({
      params,
      grads,
      m,
      v,
      weightDecay: keys,
      lr: this.lr,
      beta1: this.betas[0],
      beta2: this.betas[1],
      eps: this.eps,
      biasCorrection1: 1 - this.betas[0] ** count,
      biasCorrection2: 1 - this.betas[1] ** count,
      gradScale: gradScale?.view ?? null,
    });
  }

  /** Frees all gradients. */
  zeroGrad(): void {
    for (const tensor of Object.values(this.params)) {
      tensor.grad?.dispose();
      tensor.grad = null;
    }
  }

  /** Live tensors of the optimiser for a checkpoint: `<name>.m`, `<name>.v`. With `stepCount` and `laggingStepCounts` they resume bit for bit. */
  state(): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.#moments].flatMap(([name, { m, v }]) => [
        [`${name}.m`, m],
        [`${name}.v`, v],
      ]),
    );
  }

  /**
   * Restores what `state`, `stepCount` and `laggingStepCounts` gave; without the last, every parameter has taken all steps. Nothing
   * changes when it cannot.
   *
   * @throws CheckpointError when a moment is missing or has another shape; ConfigError | DTypeError | DeviceError
   */
  loadState(state: NamedTensors, stepCount: number, laggingStepCounts: Readonly<Record<string, number>> = {}): void {
    wholeNumber('adamw.loadState', 'stepCount', stepCount);
    checkNames('adamw.loadState', 'state', state);
    for (const [name, own] of Object.entries(this.state())) {
      const stored = state[name];
      if (stored === undefined)
        throw new CheckpointError(
          `adamw: the checkpoint must hold ${name}; it does not. Was it saved with another optimiser?`,
          { name },
        );
      dtypeIs('adamw.loadState', name, livingTensor('adamw.loadState', name, stored), 'f32');
      if (!sameShape(stored.shape, own.shape)) {
        throw new CheckpointError(
          `adamw.loadState: ${name} must be [${own.shape}] as in the model, got [${stored.shape}]. Was it saved with another model?`,
          { name },
        );
      }
      isOneDevice('adamw.loadState', this.#device, stored.device);
    }
    for (const [name, own] of Object.entries(this.state())) this.#device.backend.copy(state[name].view, own.view);
    this.#stepCount = stepCount;
    for (const name of this.#stepCounts.keys()) {
      this.#stepCounts.set(name, Object.hasOwn(laggingStepCounts, name) ? laggingStepCounts[name] : stepCount);
    }
  }

  dispose(): void {
    for (const { m, v } of this.#moments.values()) {
      m.dispose();
      v.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** f32 zeros of the parameters' shapes, laid out in memory as the parameters are. */
function packedLike(params: NamedTensors): Record<string, Tensor> {
  const entries = Object.entries(params);
  const ordered = memoryOrder(entries.map(([, tensor]) => tensor.view)).map((i) => entries[i]);
  const shapes = ordered.map(([, { shape }]) => shape);
  const zeros = withoutScope(() => packedZeros(entries[0][1].device, shapes, 'f32'));
  return Object.fromEntries(ordered.map(([name], i) => [name, zeros[i]]));
}

/**
 * Gives parameters memory for their gradients, laid out as the parameters are: `backward` writes weight gradients straight
 * into it, and the norm and the optimiser's step take a few kernels for all of them. It lives as long as the parameters.
 */
export function allocateGradients(params: NamedTensors): void {
  checkNamedTensors('allocateGradients', 'params', params);
  const missing = Object.fromEntries(Object.entries(params).filter(([, { gradMemory }]) => gradMemory === null));
  if (Object.keys(missing).length === 0) return;
  for (const [name, memory] of Object.entries(packedLike(missing))) params[name].gradMemory = memory;
}
