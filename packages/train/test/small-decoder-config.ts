import { type DecoderConfig, defineDecoderConfig } from '@modajs/models';

/** A two-block MoDA decoder that trains in seconds on every device. */
export function smallDecoderConfig(vocabSize: number, seqLen: number): DecoderConfig {
  return defineDecoderConfig({
    nLayers: 2,
    nHeads: 3,
    nKvHeads: 1,
    headDim: 8,
    dModel: 24,
    dFf: 40,
    vocabSize,
    seqLen,
    depth: 'moda',
  });
}
