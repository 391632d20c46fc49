import type { Tensor } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';
import type { ParameterLookup, SubLayer } from './depth-path.ts';
import { type JoinResidual, ResidualPath } from './residual.ts';
import { weightedSum } from './weighted-sum.ts';

const weightName = (layer: number): string => `model.layers.${layer}.depth.average`;

/** `[i+2]` weights after block i, all on the block's own output at the start. */
export function denseFormerSpecs({ nLayers }: DecoderConfig, layer: number): ParameterSpecs {
  if (layer >= nLayers) return {};
  const values = Array.from({ length: layer + 2 }, (_, j) => Number(j === layer + 1));
  return { [weightName(layer)]: { shape: [layer + 2], role: 'vector', init: { kind: 'values', values } } };
}

/**
 * DenseFormer: after block i the stream becomes a learned weighted average of the embedding and all block outputs so far.
 * Reference: Pagliardini et al., "DenseFormer", arXiv 2402.02622 (dilation and period 1).
 */
export class DenseFormerPath extends ResidualPath {
  readonly #outputs: Tensor[];

  constructor(
    x: Tensor,
    join: JoinResidual,
    private readonly parameter: ParameterLookup,
  ) {
    super(x, join);
    this.#outputs = [x];
  }

  override write(layer: number, part: SubLayer, y: Tensor): void {
    super.write(layer, part, y);
    if (part !== 'ffn') return;
    this.#outputs.push(this.x);
    this.x = weightedSum(this.#outputs, this.parameter(weightName(layer)));
  }
}
