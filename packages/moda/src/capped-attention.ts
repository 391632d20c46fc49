import {
  affine,
  cast,
  greater,
  lessEqual,
  matmul,
  mul,
  reshape,
  slice,
  softmax,
  type Tensor,
  tanh,
  tensor,
  tidy,
  transpose,
  where,
} from '@modajs/tensor';
import { checkOptions, type OptionChecks, positive } from '@modajs/tensor/checks';
import { SEQUENCE_OPTIONS, type SequenceOptions } from './attention-options.ts';

/** Options of `cappedAttention`. */
interface CappedOptions extends SequenceOptions {
  /** c of `c tanh(s / c)`. */
  readonly softcap: number;
}

const CAPPED_OPTIONS: OptionChecks<CappedOptions> = { ...SEQUENCE_OPTIONS, softcap: positive };

/**
 * Softmax attention whose logits are capped: `out[t] = sum_j softmax_j(c tanh(scale q[t] . k[j] / c)) v[j]`. Made of general
 * operators, with O(T Tk) memory; the softmax is computed in f32.
 *
 * @param q `[B, T, H, D]`
 * @param k `[B, keyCapacity, Hkv, D]`
 * @param v `[B, keyCapacity, Hkv, Dv]`
 * @returns `[B, T, H, Dv]`; 0 for a query that sees no key
 * @throws ShapeError | DTypeError | ConfigError
 * Reference: Gemma Team, "Gemma 2", arXiv 2408.00118, section 2.
 */
export function cappedAttention(q: Tensor, k: Tensor, v: Tensor, options: CappedOptions): Tensor {
  return tidy(() => {
    checkOptions('cappedAttention', options, CAPPED_OPTIONS, ['softcap']);
    const [B, T, H, D] = q.shape;
    const Hkv = k.shape[2];
    const { softcap, scale = 1 / Math.sqrt(D), Tk = k.shape[1] } = options;
    const used = (x: Tensor): Tensor => slice(x, [0, 0, 0, 0], [B, Tk, Hkv, x.shape[3]]);
    const keys = reshape(transpose(used(k), [0, 2, 3, 1]), [B, Hkv, 1, D, Tk]);
    const values = reshape(transpose(used(v), [0, 2, 1, 3]), [B, Hkv, 1, Tk, v.shape[3]]);
    const queries = transpose(reshape(affine(q, scale, 0), [B, T, Hkv, H / Hkv, D]), [0, 2, 3, 1, 4]);
    const logits = cast(matmul(queries, keys), 'f32'); // [B, Hkv, G, T, Tk]
    const capped = affine(tanh(affine(logits, 1 / softcap, 0)), softcap, 0);
    const seen = visible(q, Tk, options);
    const masked = seen ? where(seen, capped, Number.NEGATIVE_INFINITY) : capped;
    const out = matmul(cast(softmax(masked), q.dtype), values);
    return reshape(transpose(out, [0, 3, 1, 2, 4]), [B, T, H, v.shape[3]]);
  });
}

/** 0 and 1, f32 `[B or 1, 1, 1, T, Tk]`: which keys a query sees; null for all. */
function visible(
  { shape: [B, T], device }: Tensor,
  Tk: number,
  { causal = true, window = null, docRange = null }: SequenceOptions,
): Tensor | null {
  const isBounded = causal || window !== null;
  let seen: Tensor | null = null;
  if (isBounded) {
    const values = new Float32Array(T * Tk).map((_, i) => {
      const back = Math.floor(i / Tk) + (Tk - T) - (i % Tk);
      return Number((!causal || back >= 0) && (window === null || back < window));
    });
    seen = tensor(values, { shape: [1, 1, 1, T, Tk], device });
  }
  if (docRange) {
    const keys = tensor(
      Int32Array.from({ length: Tk }, (_, j) => j),
      { shape: [1, 1, 1, 1, Tk], dtype: 'i32', device },
    );
    const bound = (which: 0 | 1): Tensor => reshape(slice(docRange, [0, 0, which], [B, T, which + 1]), [B, 1, 1, T, 1]);
    const inside = cast(mul(lessEqual(bound(0), keys), greater(bound(1), keys)), 'f32');
    seen = seen ? mul(seen, inside) : inside;
  }
  return seen;
}
