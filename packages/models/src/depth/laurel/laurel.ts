import { mul, slice, type Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { ParameterLookup, SubLayer } from '../depth-path.ts';
import { ResidualPath } from '../residual/residual-path.ts';

/** A residual sum with learned weights. */
export interface LaurelDepth {
  readonly kind: 'laurel';
}

const weightName = (layer: number, part: SubLayer): string => `model.layers.${layer}.depth.${part}_laurel`;

/** Two weights `[a, b]` for each sub-layer: of its output and of its input, both 1 at the start. */
function laurelSpecs({ nLayers }: BlockConfig, _depth: LaurelDepth, layer: number): ParameterSpecs {
  if (layer >= nLayers) return {};
  const names = [weightName(layer, 'attention'), weightName(layer, 'ffn')];
  return Object.fromEntries(
    names.map((name) => [name, { shape: [2], role: 'vector', init: { kind: 'constant', value: 1 } }]),
  );
}

/**
 * LAuReL with residual weights: a sub-layer makes `a f(x) + b x` of the sum `x`, with learned scalars a and b.
 * Reference: Menghani et al., "LAuReL: Learned Augmented Residual Layer", arXiv 2411.07501, LAuReL-RW without a constraint on a and b.
 */
class LaurelPath extends ResidualPath {
  readonly #parameter: ParameterLookup;

  constructor({ x, join, parameter }: DepthPass) {
    super(x, join);
    this.#parameter = parameter;
  }

  override write(layer: number, part: SubLayer, y: Tensor): void {
    const weights = this.#parameter(weightName(layer, part));
    this.x = mul(this.x, slice(weights, [1], [2]));
    super.write(layer, part, mul(y, slice(weights, [0], [1])));
  }
}

/** LAuReL's residual weights: the smallest of the mechanisms, and the example of `docs/guides/depth-mechanism.md`. */
export const laurel: DepthMechanism<LaurelDepth> = {
  kind: 'laurel',
  options: {},
  residualSum: 'mixed',
  specs: laurelSpecs,
  path: (pass) => new LaurelPath(pass),
};
