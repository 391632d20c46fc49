import { type DecoderConfig, defineDecoderConfig, preset } from '@modajs/models';

/** A model whose steps are compared: as trained, and the same without depth; or a model without depth alone. */
export interface StepModel {
  /** Null for a model that has no depth. */
  readonly moda: DecoderConfig | null;
  readonly baseline: DecoderConfig;
  readonly B: number;
}

const STEPS: Readonly<Record<string, { readonly zoo: string; readonly B: number }>> = {
  small: { zoo: 'small', B: 32 },
  'study-24-post-moda-ffn': { zoo: 'layers-24-post-moda', B: 16 },
  'moda-700m': { zoo: 'moda-700m', B: 1 },
};

/** Models without depth, with a batch of one: what other libraries are timed on. */
const PLAIN: Readonly<Record<string, DecoderConfig>> = {
  /** DistilGPT-2 (Hugging Face `distilgpt2`), at half its context. */
  'distilgpt2-shape': defineDecoderConfig({
    nLayers: 6,
    dModel: 768,
    nHeads: 12,
    dFf: 3072,
    vocabSize: 50257,
    seqLen: 512,
    norm: 'pre',
    normKind: 'layer',
    qkNorm: 'none',
    bias: true,
    activation: 'gelu',
    positions: 'learned',
    depth: 'residual',
  }),
};

/** The models of README's training table. */
export const STEP_MODELS: readonly string[] = Object.keys(STEPS);

/**
 * MoDA and its baseline at the batch of README's training table, with `nLayers` blocks instead of the model's own; another preset
 * of the zoo, or a model without depth (`distilgpt2-shape`), with a batch of one.
 */
export function stepModel(name: string, nLayers?: number): StepModel {
  const blocks = nLayers === undefined ? {} : { nLayers };
  if (PLAIN[name]) return { moda: null, baseline: defineDecoderConfig({ ...PLAIN[name], ...blocks }), B: 1 };
  const { zoo, B } = STEPS[name] ?? { zoo: name, B: 1 };
  const own = defineDecoderConfig({ ...preset(zoo), ...blocks });
  const baseline = defineDecoderConfig({ ...own, depth: 'residual' });
  return { moda: own.depth.kind === 'residual' ? null : own, baseline, B };
}
