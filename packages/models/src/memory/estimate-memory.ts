import {
  AdamW,
  allocateGradients,
  backward,
  clipGradNorm,
  Device,
  type DType,
  elementBytes,
  scope,
  zeros,
} from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { createDecoder } from '../decoder/decoder.ts';
import { arenaSlots } from '../depth/decoder-depth.ts';
import { CountingBackend } from './counting-backend.ts';

/** What a training step works on. */
export interface MemoryQuestion {
  /** Sequences in one backward pass. */
  readonly batch: number;
  /** Tokens of a sequence; the configuration's `seqLen` by default. */
  readonly seq?: number;
  /** dtype of activations; f32 by default. Parameters, gradients and moments are f32. */
  readonly computeDtype?: DType;
  /** Recompute blocks in the backward pass. */
  readonly checkpoint?: boolean;
}

/** Bytes of device memory in a training step with AdamW. */
export interface MemoryEstimate {
  readonly parameters: number;
  /** Of the parameters in the computation's dtype; 0 when they have it. */
  readonly copies: number;
  readonly gradients: number;
  readonly optimizer: number;
  /** Depth keys and values of all slots; 0 where slots are kept by score, which are activations. */
  readonly depthArena: number;
  /** The rest of the peak: activations, gradients in flight, depth gradients, one chunk of logits. */
  readonly activations: number;
  /** Most bytes alive at once. */
  readonly peak: number;
}

/**
 * The memory of a training step, measured by running one on a device that only counts. Exact up to the scratch memory of
 * a device's kernels.
 *
 * @throws ConfigError, ShapeError as the model's own step would
 */
export function estimateMemory(config: DecoderConfig, question: MemoryQuestion): MemoryEstimate {
  const { batch, seq = config.seqLen, computeDtype = 'f32', checkpoint } = question;
  const device = new Device(new CountingBackend());
  const model = createDecoder(config, { device, computeDtype });
  const weights = device.memory().liveBytes;
  const copyBytes = computeDtype === 'f32' ? 0 : elementBytes(computeDtype);
  const copies = (weights * copyBytes) / (elementBytes('f32') + copyBytes);
  allocateGradients(model.parameters());
  const gradients = device.memory().liveBytes - weights;
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3 });
  const moments = device.memory().liveBytes - weights - gradients;
  // Two steps: the second one begins as all later ones do, with the first one's arenas in place.
  for (let step = 0; step < 2; step++) {
    using _ = scope();
    const ids = zeros([batch, seq], { dtype: 'i32', device });
    backward(model.loss(ids, ids, { checkpoint }));
    const { gradScale } = clipGradNorm(model.parameters(), 1);
    optimizer.step({ gradScale });
    optimizer.zeroGrad();
  }
  const { peakLiveBytes: peak } = device.memory();
  const slot = 2 * batch * seq * config.nKvHeads * config.headDim * elementBytes(computeDtype);
  const depthArena = arenaSlots(config) * slot;
  const fixed = weights + gradients + moments + depthArena;
  return {
    parameters: weights - copies,
    copies,
    gradients,
    optimizer: moments,
    depthArena,
    activations: peak - fixed,
    peak,
  };
}
