import type { Decoder } from '../decoder/decoder.ts';
import type { DecoderCache } from '../decoder/decoder-cache.ts';
import { hasSlotScores } from '../depth/moda-slots.ts';

/**
 * Whether the fused decoding kernels compute this model: on WebGPU, one row, one dtype; blocks of RMSNorm, RoPE and SwiGLU;
 * the residual sum, or MoDA with keys prepared by their writer and all slots or the newest.
 */
export function canDecodeFused(model: Decoder, { options }: DecoderCache): boolean {
  const { config, device, computeDtype } = model;
  const { depth, nHeads, nKvHeads, headDim, dModel, dFf } = config;
  const isBlock = config.normKind === 'rms' && config.positions === 'rope' && config.activation === 'swiglu';
  const isDepth =
    depth === 'residual' || (depth === 'moda' && config.depthKeyNorm !== 'reader' && !hasSlotScores(config));
  // Words of 16 bytes: a power of two of them makes a head.
  const words = headDim / (computeDtype === 'f16' ? 8 : 4);
  const isHead = Number.isInteger(Math.log2(words)) && headDim <= 256 && nHeads / nKvHeads <= 16;
  const isWidth = dModel % 4 === 0 && dFf % 4 === 0;
  const isDType = model.parameterDtype === computeDtype && (options.dtype ?? 'f32') === computeDtype;
  return device.kind === 'webgpu' && options.B === 1 && isBlock && isDepth && isHead && isWidth && isDType;
}
