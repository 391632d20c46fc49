import type { Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { ParameterLookup, SubLayer } from '../depth-path.ts';
import { ResidualPath } from '../residual/residual-path.ts';
import { weightedSum } from '../weighted-sum.ts';

/** A learned average of all earlier outputs. */
export interface DenseFormerDepth {
  readonly kind: 'denseformer';
}

const weightName = (layer: number): string => `model.layers.${layer}.depth.average`;

/** `[i+2]` weights after block i, all on the block's own output at the start. */
function denseFormerSpecs({ nLayers }: BlockConfig, _depth: DenseFormerDepth, layer: number): ParameterSpecs {
  if (layer >= nLayers) return {};
  const values = Array.from({ length: layer + 2 }, (_, j) => Number(j === layer + 1));
  return { [weightName(layer)]: { shape: [layer + 2], role: 'vector', init: { kind: 'values', values } } };
}

/**
 * DenseFormer: after block i the stream becomes a learned weighted average of the embedding and all block outputs so far.
 * Reference: Pagliardini et al., "DenseFormer", arXiv 2402.02622 (dilation and period 1).
 */
class DenseFormerPath extends ResidualPath {
  readonly #outputs: Tensor[];
  readonly #parameter: ParameterLookup;

  constructor({ x, join, parameter }: DepthPass) {
    super(x, join);
    this.#parameter = parameter;
    this.#outputs = [x];
  }

  override write(layer: number, part: SubLayer, y: Tensor): void {
    super.write(layer, part, y);
    if (part !== 'ffn') return;
    this.#outputs.push(this.x);
    this.x = weightedSum(this.#outputs, this.#parameter(weightName(layer)));
  }
}

/** DenseFormer. */
export const denseFormer: DepthMechanism<DenseFormerDepth> = {
  kind: 'denseformer',
  options: {},
  residualSum: 'mixed',
  specs: denseFormerSpecs,
  path: (pass) => new DenseFormerPath(pass),
};
