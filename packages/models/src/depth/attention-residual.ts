import { add, mul, rmsNorm, slice, softmax, stack, sum, type Tensor } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';
import type { DepthPath, ParameterLookup, SubLayer } from './depth-path.ts';

const queryName = (layer: number, part: SubLayer): string => `model.layers.${layer}.depth.${part}_query`;
const finalName = 'model.depth.final_query';

/** A query `[C]` for each sub-layer and one for the output, zero at the start: a plain mean of the sources. */
export function attentionResidualSpecs({ dModel, nLayers }: DecoderConfig, layer: number): ParameterSpecs {
  const names = layer < nLayers ? [queryName(layer, 'attention'), queryName(layer, 'ffn')] : [finalName];
  return Object.fromEntries(
    names.map((name) => [name, { shape: [dModel], role: 'vector', init: { kind: 'constant', value: 0 } }]),
  );
}

/**
 * Attention residuals: a sub-layer reads `sum_i softmax_i(w . rmsNorm(s_i)) s_i` over sources s, the embedding and all
 * earlier outputs. The block form sums the outputs of `residualBlock` blocks into one source.
 * Reference: Kimi Team, "Attention Residuals" (2026), full and block form.
 */
export class AttentionResidualPath implements DepthPath {
  readonly #sources: Tensor[];
  #partial: Tensor | null = null;

  constructor(
    x: Tensor,
    private readonly parameter: ParameterLookup,
    private readonly config: DecoderConfig,
  ) {
    this.#sources = [x];
  }

  read(layer: number, part: SubLayer): Tensor {
    return this.#mix(this.parameter(queryName(layer, part)));
  }

  write(layer: number, part: SubLayer, y: Tensor): void {
    const { depth, residualBlock } = this.config;
    if (depth === 'attention-residual') {
      this.#sources.push(y);
      return;
    }
    this.#partial = this.#partial ? add(this.#partial, y) : y;
    if (part === 'ffn' && (layer + 1) % residualBlock === 0) {
      this.#sources.push(this.#partial);
      this.#partial = null;
    }
  }

  finish(): Tensor {
    return this.#mix(this.parameter(finalName));
  }

  #mix(query: Tensor): Tensor {
    const sources = this.#partial ? [...this.#sources, this.#partial] : this.#sources;
    const [B, T] = sources[0].shape;
    const logits = sources.map((source) => sum(mul(rmsNorm(source, null, this.config.normEps), query), { axes: [2] }));
    const weights = softmax(stack(logits, 2)); // [B, T, n]
    const weightOf = (i: number): Tensor => slice(weights, [0, 0, i], [B, T, i + 1]);
    const mixed = sources.map((source, i) => mul(source, weightOf(i))).reduce((total, term) => add(total, term));
    return mixed;
  }
}
