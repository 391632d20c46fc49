import {
  abs,
  add,
  affine,
  arange,
  softcap as capped,
  cast,
  div,
  equal,
  exp,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  matmul,
  max,
  mul,
  neg,
  noGrad,
  notEqual,
  reshape,
  ShapeError,
  slice,
  sub,
  sum,
  type Tensor,
  tidy,
  transpose,
  where,
} from '@modajs/tensor';
import { checkOperands, floatOnly, shapeIs } from '@modajs/tensor/checks';
import type { AttentionResult, LogitOptions, SequenceOptions } from './attention-options.ts';

/** What `composedAttention` takes besides q, k and v. */
export type ComposedOptions = Omit<SequenceOptions, 'sinks'>;

/** @throws DTypeError, ShapeError unless the tensors of the options meet logits `[B, H, T, Tk]` */
function checkLogitOptions(q: Tensor, Tk: number, { bias, mask, alibi }: LogitOptions): void {
  checkOperands('attention', { q }, { bias, mask, alibi });
  const [B, T, H] = q.shape;
  for (const [name, tensor] of Object.entries({ bias, mask })) {
    if (tensor) broadcastsTo(name, tensor, [B, H, T, Tk]);
  }
  floatOnly('attention', bias, alibi);
  if (alibi) shapeIs('attention', 'alibi', alibi.shape, [H], '[H]');
}

function broadcastsTo(name: string, { shape }: Tensor, logits: readonly number[]): void {
  const lead = logits.length - shape.length;
  if (lead >= 0 && shape.every((extent, axis) => extent === 1 || extent === logits[lead + axis])) return;
  throw new ShapeError(
    `attention: ${name} must broadcast to [B, H, T, Tk] = [${logits}], got [${shape}]. Give each axis its extent, or 1.`,
    { name, shape, logits },
  );
}

/**
 * Attention over the sequence whose logits are more than products, made of general operators:
 * `logit = c tanh(scale q . k / c) + bias - slope |i - j|`, hidden where the mask is 0. Exact as the kernels are, but with O(T Tk)
 * memory: one f32 tensor `[B, H, T, Tk]` kept for the backward pass (two under a cap), about four at the peak. The inputs are checked.
 *
 * @param q `[B, T, H, D]`
 * @param k `[B, keyCapacity, Hkv, D]`
 * @param v `[B, keyCapacity, Hkv, Dv]`
 * @returns as `attention`; 0 and -Infinity for a query that sees no key, where PyTorch gives NaN
 * @throws ShapeError | DTypeError | DeviceError
 * Reference: Press et al., "ALiBi", arXiv 2108.12409.
 */
export function composedAttention(q: Tensor, k: Tensor, v: Tensor, options: ComposedOptions): AttentionResult {
  const [B, T, H] = q.shape;
  const [Hkv, Dv] = v.shape.slice(2);
  const { Tk = k.shape[1] } = options;
  checkLogitOptions(q, Tk, options);
  return tidy(() => {
    const logits = maskedLogits(q, k, Tk, options);
    // Taken off and added again, so it needs no gradient; 0 for a row without keys, where Infinity - Infinity would be NaN.
    const largest = noGrad(() => {
      const top = max(logits, { axes: [3], keepDims: true });
      return where(equal(top, Number.NEGATIVE_INFINITY), 0, top);
    });
    const weights = exp(sub(logits, largest));
    const sums = sum(weights, { axes: [3] }); // [B, H, T]
    const isEmpty = noGrad(() => equal(sums, 0));
    const total = add(sums, isEmpty);
    const values = reshape(transpose(slice(v, [0, 0, 0, 0], [B, Tk, Hkv, Dv]), [0, 2, 1, 3]), [B, Hkv, 1, Tk, Dv]);
    const grouped = reshape(cast(weights, q.dtype), [B, Hkv, H / Hkv, T, Tk]);
    const products = reshape(matmul(grouped, values, { outDtype: 'f32' }), [B, H, T, Dv]);
    const mean = div(products, reshape(total, [B, H, T, 1]));
    const lse = where(isEmpty, Number.NEGATIVE_INFINITY, add(log(total), reshape(largest, [B, H, T])));
    return { out: cast(transpose(mean, [0, 2, 1, 3]), q.dtype), lse };
  });
}

/** f32 `[B, H, T, Tk]`; -Infinity where a key is hidden. */
function maskedLogits(q: Tensor, k: Tensor, Tk: number, options: ComposedOptions): Tensor {
  const [B, T, H, D] = q.shape;
  const Hkv = k.shape[2];
  const { scale = 1 / Math.sqrt(D), softcap = null, bias, alibi } = options;
  const keys = transpose(slice(k, [0, 0, 0, 0], [B, Tk, Hkv, D]), [0, 2, 3, 1]); // [B, Hkv, D, Tk]
  const queries = transpose(reshape(q, [B, T, Hkv, H / Hkv, D]), [0, 2, 3, 1, 4]); // [B, Hkv, G, T, D]
  const products = matmul(queries, reshape(keys, [B, Hkv, 1, D, Tk]), { outDtype: 'f32' });
  let logits = affine(reshape(products, [B, H, T, Tk]), scale, 0);
  if (softcap !== null) logits = capped(logits, softcap);
  if (bias) logits = add(logits, cast(bias, 'f32'));
  if (alibi) logits = add(logits, mul(reshape(cast(alibi, 'f32'), [H, 1, 1]), distances(T, Tk, q)));
  const seen = visible(q, Tk, options);
  return seen ? where(seen, logits, Number.NEGATIVE_INFINITY) : logits;
}

/** Key positions of the queries `[T, 1]` and of the keys `[Tk]`, i32. */
function positions(T: number, Tk: number, { device }: Tensor): { readonly query: Tensor; readonly key: Tensor } {
  const key = arange(Tk, { device });
  return { query: reshape(add(arange(T, { device }), Tk - T), [T, 1]), key };
}

/** f32 `[T, Tk]`: minus how many positions a key lies from the query. */
function distances(T: number, Tk: number, like: Tensor): Tensor {
  const { query, key } = positions(T, Tk, like);
  const back = cast(sub(query, key), 'f32');
  return neg(abs(back));
}

/** 0 and 1, f32, broadcast to `[B, H, T, Tk]`: which keys a query sees; null for all. */
function visible(q: Tensor, Tk: number, options: ComposedOptions): Tensor | null {
  const { causal = true, window = null, docRange = null, mask = null } = options;
  const [B, T] = q.shape;
  const { query, key } = positions(T, Tk, q);
  const conditions: Tensor[] = [];
  if (causal) conditions.push(greaterEqual(query, key));
  if (window !== null) conditions.push(less(sub(query, key), window));
  if (docRange) {
    const bound = (which: 0 | 1): Tensor => reshape(slice(docRange, [0, 0, which], [B, T, which + 1]), [B, 1, T, 1]);
    conditions.push(lessEqual(bound(0), key), greater(bound(1), key));
  }
  if (mask) conditions.push(notEqual(mask, 0));
  if (conditions.length === 0) return null;
  return conditions.map((condition) => cast(condition, 'f32')).reduce((both, condition) => mul(both, condition));
}
