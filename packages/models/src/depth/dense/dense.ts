import { concat, linear, type Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { ParameterLookup, SubLayer } from '../depth-path.ts';
import { ResidualPath } from '../residual/residual-path.ts';

/** A learned map of all earlier outputs. */
export interface DenseDepth {
  readonly kind: 'dense';
}

const weightName = (layer: number): string => `model.layers.${layer}.depth.dense.weight`;

/** `[C, (i+1) C]` for block i >= 1; starts as the identity on the newest output, so a fresh model is a residual one. */
function denseSpecs({ dModel, nLayers }: BlockConfig, _depth: DenseDepth, layer: number): ParameterSpecs {
  if (layer === 0 || layer >= nLayers) return {};
  return {
    [weightName(layer)]: { shape: [dModel, (layer + 1) * dModel], role: 'matrix', init: { kind: 'identityTail' } },
  };
}

/**
 * Depth dense: block i reads `W_i [x_0; out_0; ...; out_{i-1}]`, a learned linear map of the embedding and all earlier
 * block outputs. Parameters grow with L^2.
 * Reference: arXiv 2603.15619, Fig. 3 and Table 1.
 */
class DensePath extends ResidualPath {
  readonly #outputs: Tensor[];
  readonly #parameter: ParameterLookup;

  constructor({ x, join, parameter }: DepthPass) {
    super(x, join);
    this.#parameter = parameter;
    this.#outputs = [x];
  }

  override read(layer: number, part: SubLayer): Tensor {
    if (part === 'attention' && layer > 0)
      this.x = linear(concat(this.#outputs, 2), this.#parameter(weightName(layer)));
    return this.x;
  }

  override write(layer: number, part: SubLayer, y: Tensor): void {
    super.write(layer, part, y);
    if (part === 'ffn') this.#outputs.push(this.x);
  }
}

/** Depth dense: the rival of the paper's Fig. 3 whose parameters grow with L^2. */
export const dense: DepthMechanism<DenseDepth> = {
  kind: 'dense',
  options: {},
  residualSum: 'mixed',
  specs: denseSpecs,
  path: (pass) => new DensePath(pass),
};
