import { quantizedBytes } from '@modajs/kernels';
import { countParameters, countSpecs, type DecoderConfig, decoderSpecs, writtenSlots } from '@modajs/models';
import { elementBytes } from '@modajs/tensor';
import { type Origin, optimizerStateBytes, type RunConfig, sequenceLength, trainedSpecs } from '@modajs/train';

/** Bytes of device memory that training takes, by part. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly average: number;
  readonly activations: number;
  readonly depthStream: number;
  readonly total: number;
}

/**
 * Estimates device memory from shapes. Weights, gradients, the optimiser's state and the average are exact (of one
 * rank that shards nothing, but for the padding of parameters to 256 B); activations count what a block keeps
 * for its backward pass (about 10 tensors of the width, 4 of the FFN, queries, keys, values and the attention output) and
 * one chunk of logits, and one matrix of those in blocks, widened; the depth stream holds keys, values and their f32 gradients.
 *
 * @param quantized matrices that stay in blocks, by name
 */
export function estimateMemory(
  model: DecoderConfig,
  { training, optimizer, lora }: Pick<RunConfig, 'training' | 'optimizer' | 'lora'>,
  quantized: Origin['quantized'] = {},
): MemoryEstimate {
  const specs = trainedSpecs({ lora }, model);
  const trained = countSpecs(specs);
  const tokens = (training.batchSize / training.gradientAccumulation) * sequenceLength({ training }, model);
  const bytes = elementBytes(training.dtype);
  const frozen = lora.rank === null ? 0 : countParameters(model);
  const blocks = sizesOfBlocks(model, quantized);
  const heads = (2 * model.nHeads + 2 * model.nKvHeads) * model.headDim;
  const block = tokens * (10 * model.dModel + 4 * model.dFf + heads) * bytes;
  const keptBlocks = training.activationCheckpointing
    ? 1 + (model.nLayers * model.dModel) / (10 * model.dModel)
    : model.nLayers;
  const logits = Math.min(tokens, 1024) * model.vocabSize * 4 * 2;
  const slotElements = tokens * model.nKvHeads * model.headDim * 2;
  const parts = {
    weights: (frozen - blocks.numbers) * bytes + blocks.bytes + trained * (4 + (training.dtype === 'f32' ? 0 : bytes)),
    gradients: trained * 4,
    optimizer: optimizerStateBytes(specs, optimizer),
    average: training.emaDecay === null ? 0 : trained * 4,
    activations: Math.round(block * keptBlocks + logits) + blocks.largest * bytes,
    depthStream: writtenSlots(model) * slotElements * (bytes + 4),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

/** Numbers of matrices in blocks, the bytes that they take, and numbers of the largest. */
function sizesOfBlocks(model: DecoderConfig, quantized: NonNullable<Origin['quantized']>) {
  const specs = decoderSpecs(model);
  const sizes = { numbers: 0, bytes: 0, largest: 0 };
  for (const [name, format] of Object.entries(quantized)) {
    const [O, I] = specs[name].shape;
    sizes.numbers += O * I;
    sizes.bytes += quantizedBytes(format, O, I);
    sizes.largest = Math.max(sizes.largest, O * I);
  }
  return sizes;
}
