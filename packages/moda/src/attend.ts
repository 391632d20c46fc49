import { type AttentionInput, attentionPrimitive, type Tensor } from '@modajs/tensor';
import { checkAttention } from '@modajs/tensor/checks';
import type { AttentionResult, LogitOptions } from './attention-options.ts';
import { composedAttention } from './composed-attention.ts';
import { mergeAttention, mergeSinks } from './merge.ts';

/**
 * One softmax over sequence keys and depth slots: the kernels where logits are products, else general operators for the sequence
 * part, merged exactly with the kernels' depth part.
 *
 * @throws ShapeError | DTypeError | DeviceError | ConfigError
 */
export function attend(input: AttentionInput, options: LogitOptions): AttentionResult {
  const { sinks = null } = options;
  const result = attendKeys(input, options);
  return sinks === null ? result : mergeSinks(result, sinks);
}

function attendKeys(input: AttentionInput, { bias, mask, alibi }: LogitOptions): AttentionResult {
  if ([bias, mask, alibi].every((given) => given === null || given === undefined)) return attentionPrimitive(input);
  checkAttention(input);
  const { depth, chunk: _chunk, chunkPhase: _phase, ...sequence } = input;
  const { q, k, v, Tk = k?.shape[1] } = sequence;
  const over = composedAttention(q, k as Tensor, v as Tensor, { ...sequence, bias, mask, alibi });
  if (!depth || depth.S === 0) return over;
  return mergeAttention(over, attentionPrimitive({ ...input, k: null, v: null, Tk }));
}
