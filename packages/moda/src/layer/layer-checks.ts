import { ConfigError, QuantizedMatrix, type Tensor } from '@modajs/tensor';
import {
  type Check,
  checkedLater,
  checkFields,
  checkOperands,
  flag,
  floatOnly,
  listOfNumbers,
  notNegative,
  type OptionChecks,
  oneOf,
  orAbsent,
  orNull,
  positive,
  rankIs,
  shown,
  whole,
} from '@modajs/tensor/checks';
import { isSlotStream } from '../stream/slot-stream.ts';
import type { AttentionLayerConfig, LinearWeights, RotaryConfig } from './layer-config.ts';

const ROTARY: OptionChecks<RotaryConfig> = {
  theta: positive,
  interleaved: flag,
  rotaryDim: orAbsent(whole()),
  frequencies: orAbsent(orNull(listOfNumbers)),
  queryScale: orAbsent(positive),
};

const rotary: Check = (operation, name, value) => checkFields(operation, name, value as RotaryConfig, ROTARY);

const CONFIG: OptionChecks<AttentionLayerConfig> = {
  nHeads: whole(1),
  nKvHeads: whole(1),
  headDim: whole(1),
  qkNorm: oneOf('none', 'full', 'head'),
  normEps: notNegative,
  rotary: orNull(rotary),
  softmaxScale: orNull(positive),
  window: orAbsent(orNull(whole(1))),
  logitSoftcap: orAbsent(orNull(positive)),
  causal: flag,
  depthKeyNorm: oneOf('none', 'writer', 'reader'),
  depthRope: oneOf('none', 'shared'),
  depthChunk: whole(1),
  depthSlots: orNull(whole(1)),
};

/** Tensors are checked together, adapters where they are used. */
export const LINEAR_WEIGHTS: OptionChecks<LinearWeights> = {
  weight: checkedLater,
  bias: checkedLater,
  adapters: checkedLater,
};

/** @throws ConfigError unless every field of a layer's configuration is what it must be */
export function checkLayerConfig(operation: string, config: AttentionLayerConfig): void {
  checkFields(operation, 'config', config, CONFIG);
}

/** `x` `[B, T, C]` and the linear map that it goes through. @throws as `checkOperands` and `linear` */
export function checkProjection(operation: string, x: Tensor, name: string, projection: LinearWeights): void {
  checkFields(operation, name, projection, LINEAR_WEIGHTS);
  const { weight, bias } = projection;
  const own = weight instanceof QuantizedMatrix ? {} : { [`${name}.weight`]: weight };
  checkOperands(operation, { x, ...own }, { [`${name}.bias`]: bias });
  floatOnly(operation, x);
  rankIs(operation, 'x', x, '[B, T, C]');
}

/** @throws ConfigError unless a depth stream */
export const isStream: Check = (operation, name, value) => {
  if (isSlotStream(value)) return;
  throw new ConfigError(
    `${operation}: ${name} must be a DepthStream or a ScoredStream, got ${shown(value)}. Make one with new DepthStream().`,
    { name },
  );
};
