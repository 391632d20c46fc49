import { noGrad } from '../core/autograd.ts';
import type { Device } from '../core/device.ts';
import { CheckpointError, ConfigError, ShapeError, shown } from '../core/errors.ts';
import { hasDecay } from '../core/parameter-role.ts';
import { sameShape } from '../core/shape.ts';
import { livingTensor, type Tensor } from '../core/tensor.ts';
import {
  checkedLater,
  checkNames,
  checkOptions,
  notNegative,
  type OptionChecks,
  wholeNumber,
} from '../core/value-checks.ts';
import { checkScalar, dtypeIs, isOneDevice } from '../ops/checks.ts';
import type { NamedTensors, Optimizer, StepOptions } from './optimizer.ts';
import { checkGradients, checkNamedTensors } from './optimizer-checks.ts';

/** Options that every optimiser has. */
export interface OptimizerOptions {
  readonly lr: number;
  readonly weightDecay?: number;
  /** Parameters without decay; by default those that `hasDecay` leaves out: norms, biases, embeddings, and what has one axis. */
  readonly noDecay?: (name: string, parameter: Tensor) => boolean;
}

/** Parameters with options of their own; what a group leaves out is the optimiser's. */
export type ParameterGroup<Options extends OptimizerOptions> = Partial<Options> & { readonly params: NamedTensors };

/** What an optimiser updates: parameters by name, or groups of them. */
export type Parameters<Options extends OptimizerOptions> = NamedTensors | readonly ParameterGroup<Options>[];

/** A group with all its options. */
export interface CompleteGroup<Options extends OptimizerOptions> {
  readonly params: NamedTensors;
  readonly options: Required<Options>;
  /** Whether its learning rate is its own, or the optimiser's. */
  readonly hasOwnLr: boolean;
}

/** What an optimiser says about its options. */
export interface OptimizerDefinition<Options extends OptimizerOptions> {
  /** In error messages. */
  readonly name: string;
  readonly checks: OptionChecks<Options>;
  readonly defaults: Required<Omit<Options, 'lr' | 'noDecay'>>;
}

const STEP_OPTIONS: OptionChecks<StepOptions> = { lr: notNegative, lrRatio: notNegative, gradScale: checkedLater };

/** What optimisers share: parameter groups, checks, the step count, saving and restoring. */
export abstract class GroupedOptimizer<Options extends OptimizerOptions> implements Optimizer {
  readonly params: NamedTensors;
  /** At least one. */
  readonly groups: readonly CompleteGroup<Options>[];
  /** Of the groups that have none of their own. */
  lr: number;
  protected readonly device: Device;
  readonly #name: string;
  #stepCount = 0;

  /** @throws ConfigError for values outside their range, no parameters, or one in two groups; DTypeError | DeviceError */
  constructor({ name, checks, defaults }: OptimizerDefinition<Options>, params: Parameters<Options>, options: Options) {
    checkOptions(name, options, checks, ['lr']);
    const common = { noDecay: isUndecayed, ...defaults, ...given(options) } as unknown as Required<Options>;
    this.#name = name;
    this.groups = groupsOf(name, params).map(({ params, ...rest }) => {
      const own = rest as unknown as Options;
      checkOptions(name, own, checks);
      return { params, options: { ...common, ...given(own) }, hasOwnLr: own.lr !== undefined };
    });
    this.params = allOf(name, this.groups);
    this.device = checkNamedTensors(name, 'params', this.params, 'f32');
    for (const [key, tensor] of Object.entries(this.params)) refuseRepeated(name, key, tensor);
    this.lr = options.lr;
  }

  get stepCount(): number {
    return this.#stepCount;
  }

  /** Empty where nothing depends on how often a parameter had a gradient. */
  get laggingStepCounts(): Readonly<Record<string, number>> {
    return {};
  }

  step(options: StepOptions = {}): void {
    const operation = `${this.#name}.step`;
    checkOptions(operation, options, STEP_OPTIONS);
    const { lr = this.lr, lrRatio = 1, gradScale = null } = options;
    notNegative(operation, 'lr', lr);
    checkGradients(operation, this.params, this.device);
    if (gradScale) checkScalar(operation, 'gradScale', gradScale, this.device);
    this.lr = lr;
    this.#stepCount++;
    for (const name of Object.keys(this.params)) {
      const parameter = this.params[name];
      if (parameter.grad !== null) parameter.markOverwritten();
    }
    noGrad(() => {
      for (const group of this.groups) {
        this.update(group, (group.hasOwnLr ? group.options.lr : lr) * lrRatio, gradScale);
      }
    });
  }

  /** Updates the parameters of a group that have a gradient; `stepCount` counts this step. */
  protected abstract update(group: CompleteGroup<Options>, lr: number, gradScale: Tensor | null): void;

  zeroGrad(): void {
    for (const tensor of Object.values(this.params)) {
      tensor.grad?.dispose();
      tensor.grad = null;
    }
  }

  abstract state(): Record<string, Tensor>;

  loadState(state: NamedTensors, stepCount: number, _laggingStepCounts?: Readonly<Record<string, number>>): void {
    const operation = `${this.#name}.loadState`;
    wholeNumber(operation, 'stepCount', stepCount);
    checkNames(operation, 'state', state);
    const own = Object.entries(this.state());
    for (const [name, { shape }] of own) {
      const stored = state[name];
      if (stored === undefined)
        throw new CheckpointError(
          `${this.#name}: the checkpoint must hold ${name}; it does not. Was it saved with another optimiser?`,
          { name },
        );
      dtypeIs(operation, name, livingTensor(operation, name, stored), 'f32');
      if (!sameShape(stored.shape, shape)) {
        throw new CheckpointError(
          `${operation}: ${name} must be [${shape}] as in the model, got [${stored.shape}]. Was it saved with another model?`,
          { name },
        );
      }
      isOneDevice(operation, this.device, stored.device);
    }
    for (const [name, tensor] of own) this.device.backend.copy(state[name].view, tensor.view);
    this.#stepCount = stepCount;
  }

  dispose(): void {
    for (const tensor of Object.values(this.state())) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** @throws ShapeError for an expanded view: one element in memory would get the updates of several */
function refuseRepeated(operation: string, name: string, { repeatsElements, shape }: Tensor): void {
  if (!repeatsElements) return;
  throw new ShapeError(
    `${operation}: parameters must not repeat elements, got the expanded view ${name} of shape [${shape}]. Make the tensor that it is a view of the parameter.`,
    { name, shape },
  );
}

/** Decay of a parameter: the group's, or 0 where `noDecay` holds. */
export function decayOf<Options extends OptimizerOptions>(
  { params, options }: CompleteGroup<Options>,
  name: string,
): number {
  const { noDecay, weightDecay } = options as Required<OptimizerOptions>;
  return noDecay(name, params[name]) ? 0 : weightDecay;
}

const isUndecayed = (name: string, tensor: Tensor): boolean => !hasDecay(name, tensor);

/** Options without those that are undefined, which count as left out. */
function given<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

function groupsOf<Options extends OptimizerOptions>(
  operation: string,
  params: Parameters<Options>,
): readonly ParameterGroup<Options>[] {
  if (!Array.isArray(params)) return [{ params } as ParameterGroup<Options>];
  for (const [i, group] of params.entries()) {
    if (group !== null && typeof group === 'object' && !('isTensor' in group) && 'params' in group) continue;
    throw new ConfigError(
      `${operation}: params[${i}] must be a group { params, lr, ... }, got ${shown(group)}. Give tensors by name: { weight, bias }.`,
      { group },
    );
  }
  return params;
}

/** The parameters of all groups. @throws ConfigError for a name or a tensor that comes twice */
function allOf(operation: string, groups: readonly { readonly params: NamedTensors }[]): NamedTensors {
  if (groups.length === 1) return groups[0].params;
  const all: Record<string, Tensor> = {};
  const seen = new Set<Tensor>();
  for (const { params } of groups) {
    checkNames(operation, 'params', params);
    for (const [name, tensor] of Object.entries(params)) {
      if (Object.hasOwn(all, name) || seen.has(tensor)) {
        throw new ConfigError(
          `${operation}: each parameter must be in one group under a name of its own, got ${name} twice.`,
          { name },
        );
      }
      all[name] = tensor;
      seen.add(tensor);
    }
  }
  return all;
}
