import type { Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { ValueMixer } from '../value-mixer.ts';
import { weightedSum } from '../weighted-sum.ts';

/** Values mixed with the first layer's. */
export interface ValueResidualDepth {
  readonly kind: 'value-residual';
}

const weightName = (layer: number): string => `model.layers.${layer}.depth.value_mix`;

/** Two weights a block from the second on: of the first layer's values and of its own, one half each at the start. */
function valueResidualSpecs({ nLayers }: BlockConfig, _depth: ValueResidualDepth, layer: number): ParameterSpecs {
  if (layer === 0 || layer >= nLayers) return {};
  return { [weightName(layer)]: { shape: [2], role: 'vector', init: { kind: 'constant', value: 0.5 } } };
}

/**
 * Value residual (ResFormer): `v_i' = a_i v_0 + b_i v_i` with learned scalars, per position.
 * Reference: Zhou et al., "Value Residual Learning", arXiv 2410.17897.
 */
function mixWithFirst({ parameter }: DepthPass): ValueMixer {
  let first: Tensor | null = null;
  return (layer, _q, _k, v) => {
    if (first === null) {
      first = v;
      return v;
    }
    return weightedSum([first, v], parameter(weightName(layer)));
  };
}

/** Value residual. */
export const valueResidual: DepthMechanism<ValueResidualDepth> = {
  kind: 'value-residual',
  options: {},
  residualSum: 'kept',
  specs: valueResidualSpecs,
  mixValues: mixWithFirst,
};
