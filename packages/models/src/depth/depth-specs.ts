import type { DecoderConfig, DepthMechanism } from '../config/decoder-config.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';
import { attentionResidualSpecs } from './attention-residual.ts';
import { denseSpecs } from './dense.ts';
import { denseFormerSpecs } from './denseformer.ts';
import { depthAttentionSpecs } from './depth-attention.ts';
import { hyperConnectionSpecs } from './hyper-connections.ts';
import { manifoldSpecs } from './manifold-hyper-connections.ts';
import { modaSpecs } from './moda.ts';
import { muddSpecs } from './mudd.ts';
import { valueResidualSpecs } from './value-residual.ts';

type SpecsOfLayer = (config: DecoderConfig, layer: number) => ParameterSpecs;

const none: SpecsOfLayer = () => ({});

const specsOf: Readonly<Record<DepthMechanism, SpecsOfLayer>> = {
  residual: none,
  dense: denseSpecs,
  'depth-attention': depthAttentionSpecs,
  moda: modaSpecs,
  'moda-chunk-visible': modaSpecs,
  denseformer: denseFormerSpecs,
  'value-residual': valueResidualSpecs,
  'depth-value-mix': none,
  'attention-residual': attentionResidualSpecs,
  'attention-residual-block': attentionResidualSpecs,
  'hyper-connections': hyperConnectionSpecs,
  'manifold-hyper-connections': manifoldSpecs,
  mudd: muddSpecs,
};

/** Parameters that the depth mechanism adds to block `layer`; `layer === nLayers` asks for those after the last block. */
export function depthSpecs(config: DecoderConfig, layer: number): ParameterSpecs {
  return specsOf[config.depth](config, layer);
}
