import type { DType } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';

/** What is known of a tensor before it has values. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}
