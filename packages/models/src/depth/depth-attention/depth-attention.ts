import { depthAttention as attendDepth, type SlotStream } from '@modajs/moda';
import { add, linear, reshape, slice, type Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { hasBias, initStd } from '../../parameters/block-specs.ts';
import { linearSpecs, type ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { ParameterLookup, SubLayer } from '../depth-path.ts';
import { ResidualPath } from '../residual/residual-path.ts';

/** Attention over the outputs of earlier blocks. */
export interface DepthAttentionDepth {
  readonly kind: 'depth-attention';
}

/** Query and output maps for every block that reads (all but the first), a key/value map for every block that is read. */
function depthAttentionSpecs(config: BlockConfig, _depth: DepthAttentionDepth, layer: number): ParameterSpecs {
  const { nLayers, nHeads, nKvHeads, headDim, dModel } = config;
  const bias = hasBias(config, 'depth');
  const prefix = `model.layers.${layer}.depth`;
  const specs: ParameterSpecs = {};
  if (layer > 0 && layer < nLayers) {
    Object.assign(
      specs,
      linearSpecs(`${prefix}.q_proj`, nHeads * headDim, dModel, initStd, bias),
      linearSpecs(`${prefix}.o_proj`, dModel, nHeads * headDim, initStd / Math.sqrt(2 * nLayers), bias),
    );
  }
  if (layer < nLayers - 1) {
    Object.assign(specs, linearSpecs(`${prefix}.kv_proj`, 2 * nKvHeads * headDim, dModel, initStd, bias));
  }
  return specs;
}

/**
 * Depth attention: a query of the block's input reads keys and values of all earlier block outputs at its own position;
 * what it finds is added to the input of the block.
 * Reference: arXiv 2603.15619, Fig. 3 and Table 1.
 */
class DepthAttentionPath extends ResidualPath {
  readonly #config: BlockConfig;
  readonly #parameter: ParameterLookup;
  /** Null in a model of one block, which nobody writes for. */
  readonly #stream: SlotStream | null;

  constructor({ x, join, parameter, config, stream }: DepthPass) {
    super(x, join);
    this.#config = config;
    this.#parameter = parameter;
    this.#stream = stream;
  }

  override read(layer: number, part: SubLayer): Tensor {
    if (part === 'ffn' || layer === 0) return this.x;
    const { nHeads, headDim, softmaxScale } = this.#config;
    const [B, T] = this.x.shape;
    const q = reshape(this.#project(this.x, `model.layers.${layer}.depth.q_proj`), [B, T, nHeads, headDim]);
    const { out } = attendDepth(q, this.#stream!.read(), { scale: softmaxScale ?? undefined });
    const found = this.#project(reshape(out, [B, T, nHeads * headDim]), `model.layers.${layer}.depth.o_proj`);
    this.x = add(this.x, found);
    return this.x;
  }

  override write(layer: number, part: SubLayer, y: Tensor): void {
    super.write(layer, part, y);
    const { nLayers, nKvHeads, headDim } = this.#config;
    if (part === 'attention' || layer === nLayers - 1) return;
    const [B, T] = this.x.shape;
    const both = this.#project(this.x, `model.layers.${layer}.depth.kv_proj`);
    const kv = reshape(both, [B, T, 2 * nKvHeads, headDim]);
    this.#stream!.write(
      slice(kv, [0, 0, 0, 0], [B, T, nKvHeads, headDim]),
      slice(kv, [0, 0, nKvHeads, 0], [B, T, 2 * nKvHeads, headDim]),
    );
  }

  #project(x: Tensor, name: string): Tensor {
    const bias = hasBias(this.#config, 'depth') ? this.#parameter(`${name}.bias`) : undefined;
    return linear(x, this.#parameter(`${name}.weight`), bias);
  }
}

/** Depth attention: a query of the block's input reads what earlier blocks left, its output is added to the input. */
export const depthAttention: DepthMechanism<DepthAttentionDepth> = {
  kind: 'depth-attention',
  options: {},
  residualSum: 'mixed',
  specs: depthAttentionSpecs,
  path: (pass) => new DepthAttentionPath(pass),
  slots: ({ nLayers }) => ({
    written: nLayers - 1,
    perBlock: 1,
    readBy: (layer) => layer,
    positions: () => 1,
  }),
};
