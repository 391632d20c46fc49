import type { ParameterRole } from '@modajs/tensor';

/** How a fresh parameter is filled. `identityTail`: zeros, with the identity in the last columns (`[C, n*C]`). */
export type Initializer =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'values'; readonly values: readonly number[] }
  | { readonly kind: 'identityTail' };

/** Shape, role and first value of one parameter. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  /** Decides weight decay, Muon and FLOPs. */
  readonly role: ParameterRole;
  readonly init: Initializer;
}

/** Parameters by name, in the order of the computation. */
export type ParameterSpecs = Record<string, ParameterSpec>;

/** A weight matrix `[outputs, inputs]`, with its bias when `bias` is set, under `name.weight` and `name.bias`. */
export function linearSpecs(
  name: string,
  outputs: number,
  inputs: number,
  std: number,
  bias: boolean,
  role: 'matrix' | 'output' | 'embedding' = 'matrix',
): ParameterSpecs {
  const specs: ParameterSpecs = {
    [`${name}.weight`]: { shape: [outputs, inputs], role, init: { kind: 'normal', std } },
  };
  if (bias) specs[`${name}.bias`] = biasSpec(outputs);
  return specs;
}

/** A weight matrix `[outputs, inputs]` and bias `[outputs]`, all zero. */
export function zeroLinearSpecs(name: string, outputs: number, inputs: number): ParameterSpecs {
  return {
    [`${name}.weight`]: { shape: [outputs, inputs], role: 'matrix', init: { kind: 'constant', value: 0 } },
    [`${name}.bias`]: biasSpec(outputs),
  };
}

/** The weight (all ones) of a norm over `width`, and for LayerNorm its bias. */
export function normSpecs(name: string, width: number, kind: 'rms' | 'layer'): ParameterSpecs {
  const specs: ParameterSpecs = {
    [`${name}.weight`]: { shape: [width], role: 'norm', init: { kind: 'constant', value: 1 } },
  };
  if (kind === 'layer') specs[`${name}.bias`] = biasSpec(width);
  return specs;
}

function biasSpec(width: number): ParameterSpec {
  return { shape: [width], role: 'bias', init: { kind: 'constant', value: 0 } };
}
