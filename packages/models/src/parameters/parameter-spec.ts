/** How a fresh parameter is filled. `identityTail`: zeros, with the identity in the last columns (`[C, n*C]`). */
export type Initializer =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'values'; readonly values: readonly number[] }
  | { readonly kind: 'identityTail' };

/** Shape and first value of one parameter. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  readonly init: Initializer;
}

/** Parameters by name, in the order of the computation. */
export type ParameterSpecs = Record<string, ParameterSpec>;

/** A weight matrix `[outputs, inputs]`, with its bias when `bias` is set, under `name.weight` and `name.bias`. */
export function linearSpecs(name: string, outputs: number, inputs: number, std: number, bias: boolean): ParameterSpecs {
  const specs: ParameterSpecs = { [`${name}.weight`]: { shape: [outputs, inputs], init: { kind: 'normal', std } } };
  if (bias) specs[`${name}.bias`] = { shape: [outputs], init: { kind: 'constant', value: 0 } };
  return specs;
}

/** A weight matrix `[outputs, inputs]` and bias `[outputs]`, all zero. */
export function zeroLinearSpecs(name: string, outputs: number, inputs: number): ParameterSpecs {
  return {
    [`${name}.weight`]: { shape: [outputs, inputs], init: { kind: 'constant', value: 0 } },
    [`${name}.bias`]: { shape: [outputs], init: { kind: 'constant', value: 0 } },
  };
}

/** The weight (all ones) of a norm over `width`, and for LayerNorm its bias. */
export function normSpecs(name: string, width: number, kind: 'rms' | 'layer'): ParameterSpecs {
  const specs: ParameterSpecs = { [`${name}.weight`]: { shape: [width], init: { kind: 'constant', value: 1 } } };
  if (kind === 'layer') specs[`${name}.bias`] = { shape: [width], init: { kind: 'constant', value: 0 } };
  return specs;
}
