import type { DecoderConfig } from '../config/decoder-config.ts';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';

/** The shape of DistilGPT-2 (Hugging Face `distilgpt2`) at half its context: what other JavaScript libraries are timed on. No depth. */
export const distilgpt2Shape: DecoderConfig = defineDecoderConfig({
  nLayers: 6,
  nHeads: 12,
  dModel: 768,
  dFf: 3072,
  vocabSize: 50_257,
  seqLen: 512,
  norm: 'pre',
  normKind: 'layer',
  qkNorm: 'none',
  bias: true,
  activation: 'gelu',
  positions: 'learned',
  depth: 'residual',
});
