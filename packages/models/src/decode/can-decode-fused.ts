import { elementsPerVector } from '@modajs/kernels/formats';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { Decoder } from '../decoder/decoder.ts';
import type { DecoderCache } from '../decoder/decoder-cache.ts';
import { fusedDepth } from '../depth/decoder-depth.ts';

/** Whether the fused kernels compute a value of a field, whatever the others are: one rule for every field. */
type Understood = { readonly [field in keyof DecoderConfig]: (value: DecoderConfig[field]) => boolean };

const any = (): boolean => true;
const isNull = (value: unknown): boolean => value === null;
const isOne = (value: number): boolean => value === 1;
const isEmpty = (list: readonly unknown[]): boolean => list.length === 0;
const isFalse = (value: boolean): boolean => !value;

const understood: Understood = {
  nLayers: any,
  nHeads: any,
  nKvHeads: any,
  headDim: (D) => D <= 256,
  dModel: (C) => C % 4 === 0,
  dFf: (F) => F % 4 === 0,
  vocabSize: any,
  seqLen: any,
  norm: (norm) => norm === 'pre' || norm === 'post' || norm === 'reordered',
  normKind: (kind) => kind === 'rms',
  normEps: any,
  qkNorm: any,
  bias: any,
  biasMaps: any,
  tieEmbeddings: any,
  activation: (activation) => activation === 'swiglu',
  parallelBlocks: isFalse,
  embeddingScale: isOne,
  residualScale: isOne,
  logitScale: isOne,
  logitSoftcap: isNull,
  positions: (positions) => positions === 'rope',
  ropeTheta: any,
  // Frequencies that stay as they are: the kernels get them once.
  ropeScaling: (scaling) => scaling === null || scaling.kind === 'linear' || scaling.kind === 'llama3',
  localRopeTheta: isNull,
  rotaryDim: isNull,
  nopeLayers: isEmpty,
  ropeInterleaved: any,
  softmaxScale: any,
  softmaxScaleByLayer: isFalse,
  attentionSoftcap: isNull,
  window: isNull,
  localLayers: isEmpty,
  // Its mechanism says (`fusedDepth`).
  depth: any,
};

function understands(config: DecoderConfig): boolean {
  const holds = <Field extends keyof DecoderConfig>(field: Field): boolean => understood[field](config[field]);
  return (Object.keys(understood) as (keyof DecoderConfig)[]).every(holds);
}

/**
 * Whether the fused decoding kernels compute this model: on WebGPU, one row, one dtype; blocks of RMSNorm, RoPE and SwiGLU;
 * the residual sum, or MoDA with keys prepared by their writer and all slots or the newest; without adapters, none of whose weights is quantized.
 */
export function canDecodeFused(model: Decoder, { options }: DecoderCache): boolean {
  const { config, device, computeDtype } = model;
  const { nHeads, nKvHeads, headDim } = config;
  const isDepth = fusedDepth(config) !== null;
  // Words of 16 bytes: a power of two of them makes a head.
  const words = headDim / elementsPerVector(computeDtype);
  const isHead = Number.isInteger(Math.log2(words)) && nHeads / nKvHeads <= 16;
  const isDType = model.parameterDtype === computeDtype && (options.dtype ?? 'f32') === computeDtype;
  if (model.isCustom || model.adapters.length > 0 || model.quantized.size > 0) return false;
  return device.kind === 'webgpu' && options.B === 1 && understands(config) && isDepth && isHead && isDType;
}
