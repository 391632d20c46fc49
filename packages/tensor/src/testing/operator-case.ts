import type { Device } from '../core/device.ts';
import type { FloatDType } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';

/** One input of an operator case. Values come from a seeded generator, so every device sees the same. */
export interface CaseInput {
  readonly shape: readonly number[];
  /** `normal` (default): standard normal. `positive`: in [0.5, 2). `distinct`: well separated values, for maxima. `ids`: whole numbers below `below`. */
  readonly values?: 'normal' | 'positive' | 'distinct' | 'ids';
  /** Exclusive upper bound of `ids`. */
  readonly below?: number;
  /** Explicit values instead. */
  readonly data?: readonly number[];
  /** `integer` inputs are i32; `float` (default) ones take the dtype under test and get a gradient unless `constant`; `f32` ones stay f32. */
  readonly kind?: 'float' | 'integer' | 'f32';
  readonly constant?: boolean;
}

/**
 * A claim about an operator: on every device its outputs and gradients are those of the f64 reference, to the measured
 * tolerance, and the reference's gradients are those of central differences.
 */
export interface OperatorCase {
  /** `rmsNorm [R=5 N=37]` */
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly run: (inputs: Tensor[], device: Device) => Tensor | readonly Tensor[];
  /** False for operators without gradient (comparisons, argmax). */
  readonly isDifferentiable?: boolean;
  /** dtypes to run; both by default. */
  readonly dtypes?: readonly FloatDType[];
  /** Outputs must equal the reference exactly (integers, copies, uniform random numbers). */
  readonly isExact?: boolean;
  /** Whether one run repeats the other's bits; true for all but cases that say why not. */
  readonly floor?: number;
}
