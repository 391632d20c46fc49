import { asParameter, type ParameterRole, Tensor, withoutScope } from '@modajs/tensor';
import { checkedLater, type OptionChecks, wholeNumber } from '@modajs/tensor/checks';
import { type HostParameter, loadParameters, type ParameterSource } from '../decoder/load-parameters.ts';
import { type InitializeOptions, type Initializer, type InitializerKind, initialize } from './initializer.ts';

/** Where a module's parameters live and how they start. */
export interface ModuleOptions extends Partial<InitializeOptions> {}

/** `initialize` checks the values. */
export const MODULE_OPTIONS: OptionChecks<ModuleOptions> = {
  seed: checkedLater,
  dtype: checkedLater,
  device: checkedLater,
};

/** Seed of the next parameter that is given none. */
let next = 0;
/** Seed of the next `Dropout` that is given none. */
let nextDraws = 0;

/** Sets where the seeds of parameters that are given none start: the same program then makes the same values. */
export function manualSeed(seed: number): void {
  wholeNumber('manualSeed', 'seed', seed, 0, 2 ** 32 - 1);
  next = seed;
  nextDraws = seed;
}

/** A seed for draws: another at each call, so that two modules do not drop the same elements. */
export function seedOfDraws(): number {
  return nextDraws++ % 2 ** 32;
}

/** A parameter with its first values, outside every scope: its module disposes of it. */
export function parameter(
  shape: readonly number[],
  initializer: InitializerKind | Initializer,
  role: ParameterRole,
  { seed = next++, dtype, device }: ModuleOptions = {},
): Tensor {
  return withoutScope(() => asParameter(initialize(shape, initializer, { seed, dtype, device }), role));
}

/**
 * A tree of named parameters. There is no registry: fields that hold a tensor are parameters, fields that hold a module, or a list of
 * modules, are its branches, and names are the fields' (`blocks.0.norm.weight`). A tensor in two places has its first name. Write a
 * model as a class with such fields and a method that computes.
 */
export abstract class Module implements Disposable {
  /** Whether `Dropout` drops: between `train()` and `eval()`. */
  isTraining = true;

  /** All parameters by name, frozen ones too. */
  namedParameters(): Record<string, Tensor> {
    const found = new Map<string, Tensor>();
    const seen = new Set<Tensor>();
    collect(this, '', found, seen);
    return Object.fromEntries(found);
  }

  /** All parameters. */
  parameters(): Tensor[] {
    return Object.values(this.namedParameters());
  }

  /** Parameters that get gradients: what an optimiser takes. */
  trainableParameters(): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(this.namedParameters()).filter(([, one]) => one.requiresGrad));
  }

  /** This module and all below it. */
  modules(): Module[] {
    return [this, ...branches(this).flatMap(([, one]) => one.modules())];
  }

  /** Takes the parameters out of training: no gradients, no graph. */
  freeze(): this {
    for (const one of this.parameters()) {
      one.grad?.dispose();
      one.grad = null;
      one.node = null;
    }
    return this;
  }

  /** The opposite of `freeze`. */
  unfreeze(): this {
    for (const one of this.parameters()) asParameter(one);
    return this;
  }

  train(): this {
    for (const one of this.modules()) one.isTraining = true;
    return this;
  }

  eval(): this {
    for (const one of this.modules()) one.isTraining = false;
    return this;
  }

  /** All values on the host, by name; `toSafetensors` makes a file of them. */
  async stateDict(): Promise<Map<string, HostParameter>> {
    const state = new Map<string, HostParameter>();
    for (const [name, one] of Object.entries(this.namedParameters())) {
      state.set(name, { shape: one.shape, data: await one.data() });
    }
    return state;
  }

  /**
   * Replaces all values.
   *
   * @throws CheckpointError when one is missing, unknown or of another shape; nothing is changed then
   */
  loadStateDict(state: ParameterSource): void {
    loadParameters(this.namedParameters(), state);
  }

  /** Frees the parameters. */
  dispose(): void {
    for (const one of this.parameters()) one.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Modules in a module's fields, by name. */
function branches(module: Module): [string, Module][] {
  return Object.entries(module).flatMap(([key, value]): [string, Module][] => {
    if (value instanceof Module) return [[key, value]];
    if (!Array.isArray(value)) return [];
    return value.flatMap((one, i): [string, Module][] => (one instanceof Module ? [[`${key}.${i}`, one]] : []));
  });
}

function collect(module: Module, prefix: string, found: Map<string, Tensor>, seen: Set<Tensor>): void {
  for (const [key, value] of Object.entries(module)) {
    if (!(value instanceof Tensor) || seen.has(value)) continue;
    seen.add(value);
    found.set(prefix + key, value);
  }
  for (const [key, one] of branches(module)) collect(one, `${prefix}${key}.`, found, seen);
}
