import type { DType } from './dtype.ts';

/**
 * What operators make of dtypes. `arithmetic`: sums, products, extrema, comparisons (whose 0 and 1 have the operands' dtype), the
 * branches of `where`, joins and sums by index. `real`: functions of real numbers, matrix products, norms, means, losses, attention.
 */
export type OperatorClass = 'arithmetic' | 'real';

/** The result's dtype; or, for what is refused, the dtype to cast to. Nothing is converted unasked: a copy would be hidden in it. */
export type Promotion = { readonly result: DType } | { readonly cast: DType };

const to = (result: DType): Promotion => ({ result });
const cast = (dtype: DType): Promotion => ({ cast: dtype });

/** Two operands: PyTorch's rule says which dtype to cast to. The one table of this package; its README prints it. */
export const PROMOTIONS: Readonly<Record<OperatorClass, Readonly<Record<DType, Readonly<Record<DType, Promotion>>>>>> =
  {
    arithmetic: {
      f32: { f32: to('f32'), f16: cast('f32'), bf16: cast('f32'), i32: cast('f32'), u32: cast('f32') },
      f16: { f32: cast('f32'), f16: to('f16'), bf16: cast('f32'), i32: cast('f16'), u32: cast('f16') },
      bf16: { f32: cast('f32'), f16: cast('f32'), bf16: to('bf16'), i32: cast('bf16'), u32: cast('bf16') },
      i32: { f32: cast('f32'), f16: cast('f16'), bf16: cast('bf16'), i32: to('i32'), u32: cast('i32') },
      u32: { f32: cast('f32'), f16: cast('f16'), bf16: cast('bf16'), i32: cast('i32'), u32: to('u32') },
    },
    real: {
      f32: { f32: to('f32'), f16: cast('f32'), bf16: cast('f32'), i32: cast('f32'), u32: cast('f32') },
      f16: { f32: cast('f32'), f16: to('f16'), bf16: cast('f32'), i32: cast('f16'), u32: cast('f16') },
      bf16: { f32: cast('f32'), f16: cast('f32'), bf16: to('bf16'), i32: cast('bf16'), u32: cast('bf16') },
      i32: { f32: cast('f32'), f16: cast('f16'), bf16: cast('bf16'), i32: cast('f32'), u32: cast('f32') },
      u32: { f32: cast('f32'), f16: cast('f16'), bf16: cast('bf16'), i32: cast('f32'), u32: cast('f32') },
    },
  };

/** A number beside a tensor takes the tensor's dtype: whole numbers in its range any, fractions, NaN and the infinities a float. */
export const NUMBERS: Readonly<Record<DType, { readonly whole: Promotion; readonly fraction: Promotion }>> = {
  f32: { whole: to('f32'), fraction: to('f32') },
  f16: { whole: to('f16'), fraction: to('f16') },
  bf16: { whole: to('bf16'), fraction: to('bf16') },
  i32: { whole: to('i32'), fraction: cast('f32') },
  u32: { whole: to('u32'), fraction: cast('f32') },
};
