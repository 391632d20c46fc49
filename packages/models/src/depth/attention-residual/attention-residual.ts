import { add, type Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { wholeFrom } from '../../config/field-rule.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { DepthPath, ParameterLookup, SubLayer } from '../depth-path.ts';
import { attendSources } from '../mixture/attend-sources.ts';

/** A softmax over all earlier outputs. */
export interface AttentionResidualDepth {
  readonly kind: 'attention-residual';
}

/** A softmax over sums of some blocks' outputs. */
export interface AttentionResidualBlockDepth {
  readonly kind: 'attention-residual-block';
  /** Blocks whose outputs are summed into one source. */
  readonly blocks: number;
}

const queryName = (layer: number, part: SubLayer): string => `model.layers.${layer}.depth.${part}_query`;
const finalName = 'model.depth.final_query';

/** A query `[C]` for each sub-layer and one for the output, zero at the start: a plain mean of the sources. */
function attentionResidualSpecs({ dModel, nLayers }: BlockConfig, _depth: unknown, layer: number): ParameterSpecs {
  const names = layer < nLayers ? [queryName(layer, 'attention'), queryName(layer, 'ffn')] : [finalName];
  return Object.fromEntries(
    names.map((name) => [name, { shape: [dModel], role: 'vector', init: { kind: 'constant', value: 0 } }]),
  );
}

/**
 * Attention residuals: a sub-layer reads `sum_i softmax_i(w . rmsNorm(s_i)) s_i` over sources s, the embedding and all
 * earlier outputs. The block form sums the outputs of `blocks` blocks into one source.
 * Reference: Kimi Team, "Attention Residuals" (2026), full and block form.
 */
class AttentionResidualPath implements DepthPath {
  readonly #sources: Tensor[];
  readonly #parameter: ParameterLookup;
  readonly #normEps: number;
  #partial: Tensor | null = null;

  /** @param blocks blocks in one source; null: each output of a sub-layer is one */
  constructor(
    { x, parameter, config }: DepthPass,
    private readonly blocks: number | null,
  ) {
    this.#sources = [x];
    this.#parameter = parameter;
    this.#normEps = config.normEps;
  }

  read(layer: number, part: SubLayer): Tensor {
    return this.#mix(this.#parameter(queryName(layer, part)));
  }

  write(layer: number, part: SubLayer, y: Tensor): void {
    if (this.blocks === null) {
      this.#sources.push(y);
      return;
    }
    this.#partial = this.#partial ? add(this.#partial, y) : y;
    if (part === 'ffn' && (layer + 1) % this.blocks === 0) {
      this.#sources.push(this.#partial);
      this.#partial = null;
    }
  }

  finish(): Tensor {
    return this.#mix(this.#parameter(finalName));
  }

  #mix(query: Tensor): Tensor {
    const sources = this.#partial ? [...this.#sources, this.#partial] : this.#sources;
    return attendSources(sources, query, this.#normEps);
  }
}

/** Attention residuals over every output. */
export const attentionResidual: DepthMechanism<AttentionResidualDepth> = {
  kind: 'attention-residual',
  options: {},
  residualSum: 'replaced',
  specs: attentionResidualSpecs,
  path: (pass) => new AttentionResidualPath(pass, null),
};

/** Attention residuals in their block form. */
export const attentionResidualBlock: DepthMechanism<AttentionResidualBlockDepth> = {
  kind: 'attention-residual-block',
  options: { blocks: { rule: wholeFrom(1), default: 2 } },
  residualSum: 'replaced',
  specs: attentionResidualSpecs,
  path: (pass, { blocks }) => new AttentionResidualPath(pass, blocks),
};
