import {
  affine,
  ConfigError,
  embedding,
  layerNorm,
  less,
  linear,
  randomUniform,
  rmsNorm,
  shown,
  type Tensor,
  tidy,
  where,
} from '@modajs/tensor';
import {
  checkedLater,
  checkOptions,
  flag,
  notNegative,
  type OptionChecks,
  streamPosition,
} from '@modajs/tensor/checks';
import { currentCheckpoint } from '@modajs/tensor/extend';
import type { Initializer, InitializerKind } from './initializer.ts';
import { MODULE_OPTIONS, Module, type ModuleOptions, parameter, seedOfDraws } from './module.ts';

/** Options of `Linear`. */
export interface LinearOptions extends ModuleOptions {
  /** True by default. */
  readonly bias?: boolean;
  /** `kaiming-uniform` by default. */
  readonly init?: InitializerKind | Initializer;
}

const LINEAR_OPTIONS: OptionChecks<LinearOptions> = { ...MODULE_OPTIONS, bias: flag, init: checkedLater };
const EMBEDDING_OPTIONS: OptionChecks<Omit<LinearOptions, 'bias'>> = { ...MODULE_OPTIONS, init: checkedLater };

/** `x W^T + b`: `[..., inputs]` -> `[..., outputs]`; `weight` `[outputs, inputs]`, `bias` `[outputs]` or null. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  /** @throws ShapeError, ConfigError */
  constructor(inputs: number, outputs: number, given: LinearOptions = {}) {
    super();
    checkOptions('linear', given, LINEAR_OPTIONS);
    const { bias = true, init = 'kaiming-uniform', ...options } = given;
    this.weight = parameter([outputs, inputs], init, 'matrix', options);
    this.bias = bias ? parameter([outputs], 'zeros', 'bias', options) : null;
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/** Rows of a table `weight` `[V, C]`: ids i32 `[...]` -> `[..., C]`. */
export class Embedding extends Module {
  readonly weight: Tensor;

  constructor(V: number, C: number, given: Omit<LinearOptions, 'bias'> = {}) {
    super();
    checkOptions('embedding', given, EMBEDDING_OPTIONS);
    const { init = { kind: 'normal', std: 0.02 }, ...options } = given;
    this.weight = parameter([V, C], init, 'embedding', options);
  }

  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids);
  }
}

/** Options of norms. */
export interface NormOptions extends ModuleOptions {
  readonly eps?: number;
}

const NORM_OPTIONS: OptionChecks<NormOptions> = { ...MODULE_OPTIONS, eps: notNegative };

/** `x / sqrt(mean(x^2) + eps) * weight` over the last axis; `weight` `[C]`, 1 at the start. */
export class RMSNorm extends Module {
  readonly weight: Tensor;
  readonly eps: number;

  constructor(C: number, given: NormOptions = {}) {
    super();
    checkOptions('rmsNorm', given, NORM_OPTIONS);
    const { eps = 1e-6, ...options } = given;
    this.eps = eps;
    this.weight = parameter([C], 'ones', 'norm', options);
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.eps);
  }
}

/** `(x - mean) / sqrt(variance + eps) * weight + bias` over the last axis. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;

  constructor(C: number, given: NormOptions = {}) {
    super();
    checkOptions('layerNorm', given, NORM_OPTIONS);
    const { eps = 1e-5, ...options } = given;
    this.eps = eps;
    this.weight = parameter([C], 'ones', 'norm', options);
    this.bias = parameter([C], 'zeros', 'bias', options);
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, this.eps);
  }
}

/**
 * In training, zeros with probability `p` and the rest divided by `1 - p`; else the input. Draws follow the seed and the number of
 * calls so far; each module that is given no seed has one of its own.
 */
export class Dropout extends Module {
  private calls = 0;
  private readonly seed: number;

  /** @throws ConfigError unless 0 <= p < 1 */
  constructor(
    readonly p: number,
    options: { readonly seed?: number } = {},
  ) {
    super();
    checkOptions('dropout', options, { seed: streamPosition });
    this.seed = options.seed ?? seedOfDraws();
    if (!(typeof p === 'number' && p >= 0 && p < 1)) {
      throw new ConfigError(`dropout: p must be a number from 0 to below 1, got ${shown(p)}. Use 0 for none.`, { p });
    }
  }

  forward(x: Tensor): Tensor {
    if (!this.isTraining || this.p === 0) return x;
    const next = (): number => this.calls++;
    // The second run of a checkpointed function drops what the first one did.
    const call = currentCheckpoint()?.once(next) ?? next();
    const seed = this.seed + (call % 2 ** 20) * 2 ** 32;
    return tidy(() => {
      const draws = randomUniform(x.shape, { seed, dtype: x.dtype, device: x.device });
      return where(less(draws, this.p), 0, affine(x, 1 / (1 - this.p), 0));
    });
  }
}

/** One thing that computes a tensor from a tensor: a module with `forward`, or a function such as `relu`. */
export type Stage = (Module & { forward(x: Tensor): Tensor }) | ((x: Tensor) => Tensor);

/** Stages one after the other; modules among them are named by their place: `stages.0.weight`. */
export class Sequential extends Module {
  readonly stages: readonly Stage[];

  constructor(...stages: readonly Stage[]) {
    super();
    this.stages = stages;
  }

  forward(x: Tensor): Tensor {
    return tidy(() =>
      this.stages.reduce((at, stage) => (typeof stage === 'function' ? stage(at) : stage.forward(at)), x),
    );
  }
}
