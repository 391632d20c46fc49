import { add, gelu, linear, reshape, rmsNorm, type Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { hasPreNorms } from '../../parameters/block-specs.ts';
import { linearSpecs, normSpecs, type ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { KeyValueInputs, ParameterLookup, SubLayer } from '../depth-path.ts';
import { mixApart } from '../mixture/mix.ts';
import { ResidualPath } from '../residual/residual-path.ts';

/** Sums of all earlier outputs with weights of the position's own. */
export interface MuddDepth {
  readonly kind: 'mudd';
}

const nameOf = (layer: number, what: string): string => `model.layers.${layer}.depth.mudd.${what}`;

/** Inputs of the next block: of its queries, keys, values and residual sum; the last block is followed by the residual sum alone. */
const streamsAfter = ({ nLayers }: BlockConfig, layer: number): number => (layer === nLayers - 1 ? 1 : 4);

/**
 * After block i: the two maps that make the weights of `i + 2` sources for each stream, and their static part, all on the block's own
 * output at the start, when the second map is zero. Where norms stand before sub-layers, keys and values have norms of their own from the second block on.
 */
function muddSpecs(config: BlockConfig, _depth: MuddDepth, layer: number): ParameterSpecs {
  const { dModel, nLayers, normKind } = config;
  if (layer >= nLayers) return {};
  const sources = layer + 2;
  const streams = streamsAfter(config, layer);
  const hidden = 4 * sources;
  const values = Array.from({ length: streams * sources }, (_, n) => Number(n % sources === sources - 1));
  const hasNorms = hasPreNorms(config) && layer > 0;
  return {
    ...(hasNorms ? normSpecs(nameOf(layer, 'key_norm'), dModel, normKind) : {}),
    ...(hasNorms ? normSpecs(nameOf(layer, 'value_norm'), dModel, normKind) : {}),
    ...linearSpecs(nameOf(layer, 'in_proj'), hidden, dModel, dModel ** -0.5, false),
    ...linearSpecs(nameOf(layer, 'out_proj'), streams * sources, hidden, 0, false),
    [nameOf(layer, 'weights')]: { shape: [streams * sources], role: 'vector', init: { kind: 'values', values } },
  };
}

/**
 * Multiway dynamic dense connections: after block i, stream c of the next block's input is
 * `x_c = sum_j w_cj X_j` over the embedding X_0 and all block outputs X_1 .. X_{i+1}, with weights of the own position,
 * `w = gelu(rmsNorm(X_{i+1}) W_1) W_2 + a`. Queries, keys and values of the next block are made from streams of their own; the fourth
 * stream is the sum that its sub-layers add to.
 *
 * Reference: Xiao et al., "MUDDFormer", arXiv 2502.12170, equations 4 to 7, without the reallocation of FFN widths.
 */
class MuddPath extends ResidualPath {
  readonly #sources: Tensor[];
  /** Streams of queries, keys and values; null in the first block, which has one input. */
  #inputs: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor } | null = null;

  readonly #parameter: ParameterLookup;
  readonly #config: BlockConfig;

  constructor({ x, join, parameter, config }: DepthPass) {
    super(x, join);
    this.#parameter = parameter;
    this.#config = config;
    this.#sources = [x];
  }

  override read(_layer: number, part: SubLayer): Tensor {
    return part === 'attention' && this.#inputs ? this.#inputs.q : this.x;
  }

  keyValueInputs(layer: number): KeyValueInputs | null {
    if (!this.#inputs) return null;
    const { k, v } = this.#inputs;
    return { k, v, norms: { k: nameOf(layer, 'key_norm'), v: nameOf(layer, 'value_norm') } };
  }

  override write(layer: number, part: SubLayer, y: Tensor): void {
    super.write(layer, part, y);
    if (part === 'ffn') this.#mix(layer);
  }

  #mix(layer: number): void {
    this.#sources.push(this.x);
    const [B, T] = this.x.shape;
    const parameter = (what: string): Tensor => this.#parameter(nameOf(layer, what));
    const hidden = gelu(linear(rmsNorm(this.x, null, this.#config.normEps), parameter('in_proj.weight')));
    const weights = add(linear(hidden, parameter('out_proj.weight')), parameter('weights'));
    const streams = streamsAfter(this.#config, layer);
    const mixed = mixApart(this.#sources, reshape(weights, [B, T, streams, this.#sources.length]));
    this.#inputs = streams === 1 ? null : { q: mixed[0], k: mixed[1], v: mixed[2] };
    this.x = mixed[streams - 1];
  }
}

/** MUDDFormer. */
export const mudd: DepthMechanism<MuddDepth> = {
  kind: 'mudd',
  options: {},
  residualSum: 'mixed',
  specs: muddSpecs,
  path: (pass) => new MuddPath(pass),
};
