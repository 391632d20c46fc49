import { unknownName } from '@modajs/tensor';
import type { BlockConfig } from '../config/block-config.ts';
import { isGated } from '../decoder/activation.ts';
import { linearSpecs, normSpecs, type ParameterSpecs } from './parameter-spec.ts';

/** Standard deviation of fresh weights (GPT-2's and OLMo's). */
export const initStd = 0.02;

/** Names of the norms of a block's two sub-layers. */
interface NormNames {
  readonly attention: string;
  readonly ffn: string;
}

/**
 * Norms before the sub-layers and after them (or after the sums, where `norm` is `post`); null for none. Hugging Face calls the
 * second pre-norm of Llama what is the first post-norm of OLMo 2.
 */
export function normNames({ norm }: BlockConfig): {
  readonly before: NormNames | null;
  readonly after: NormNames | null;
} {
  const after = { attention: 'post_attention_layernorm', ffn: 'post_feedforward_layernorm' };
  switch (norm) {
    case 'pre':
      return { before: { attention: 'input_layernorm', ffn: 'post_attention_layernorm' }, after: null };
    case 'post':
    case 'reordered':
      return { before: null, after };
    case 'sandwich':
      return { before: { attention: 'input_layernorm', ffn: 'pre_feedforward_layernorm' }, after };
    default:
      return unknownName('norm', norm);
  }
}

/** Whether sub-layers read a norm of what they are given. */
export function hasPreNorms(config: BlockConfig): boolean {
  return normNames(config).before !== null;
}

/** Linear maps of a block by where they stand; `depth`: those of a depth mechanism. */
type BlockMap = 'qkv' | 'output' | 'ffn' | 'depth';

/** Whether maps of a kind have biases. */
export function hasBias({ bias, biasMaps }: BlockConfig, map: BlockMap): boolean {
  if (!bias) return false;
  switch (biasMaps) {
    case 'all':
      return true;
    case 'attention':
      return map === 'qkv' || map === 'output';
    case 'qkv':
    case 'ffn':
      return map === biasMaps;
    default:
      return unknownName('biasMaps', biasMaps);
  }
}

/** Width of the weight of q's or k's norm. */
function qkNormWidth(config: BlockConfig, heads: number): number {
  return config.qkNorm === 'full' ? heads * config.headDim : config.headDim;
}

/** Parameters of one block without its depth mechanism, names relative to the model. */
export function blockSpecs(config: BlockConfig, layer: number): ParameterSpecs {
  const { nHeads, nKvHeads, headDim, dModel, dFf, nLayers } = config;
  const [qkvBias, ffnBias] = [hasBias(config, 'qkv'), hasBias(config, 'ffn')];
  const prefix = `model.layers.${layer}`;
  const { before, after } = normNames(config);
  const norm = (name: string | undefined): ParameterSpecs =>
    name === undefined ? {} : normSpecs(`${prefix}.${name}`, dModel, config.normKind);
  // Maps that write to the residual sum start smaller, so that its variance does not grow with depth.
  const outStd = initStd / Math.sqrt(2 * nLayers);
  const specs: ParameterSpecs = {
    ...linearSpecs(`${prefix}.self_attn.q_proj`, nHeads * headDim, dModel, initStd, qkvBias),
    ...linearSpecs(`${prefix}.self_attn.k_proj`, nKvHeads * headDim, dModel, initStd, qkvBias),
    ...linearSpecs(`${prefix}.self_attn.v_proj`, nKvHeads * headDim, dModel, initStd, qkvBias),
    ...linearSpecs(`${prefix}.self_attn.o_proj`, dModel, nHeads * headDim, outStd, hasBias(config, 'output')),
  };
  if (config.qkNorm !== 'none') {
    Object.assign(specs, normSpecs(`${prefix}.self_attn.q_norm`, qkNormWidth(config, nHeads), 'rms'));
    Object.assign(specs, normSpecs(`${prefix}.self_attn.k_norm`, qkNormWidth(config, nKvHeads), 'rms'));
  }
  Object.assign(specs, norm(before?.attention), norm(after?.attention), norm(after ? before?.ffn : undefined));
  if (isGated(config.activation)) {
    Object.assign(specs, linearSpecs(`${prefix}.mlp.gate_proj`, dFf, dModel, initStd, ffnBias));
  }
  return {
    ...specs,
    ...linearSpecs(`${prefix}.mlp.up_proj`, dFf, dModel, initStd, ffnBias),
    ...linearSpecs(`${prefix}.mlp.down_proj`, dModel, dFf, outStd, ffnBias),
    ...norm(after?.ffn ?? before?.ffn),
  };
}
