import { type FloatDType, supportsDType } from '@modajs/kernels/formats';
import { type DType, isFloat } from '../../../core/dtype.ts';
import { DTypeError } from '../../../core/errors.ts';

/** The dtype, known to be a float. @throws DTypeError for integers */
export function floatDType(operation: string, dtype: DType): FloatDType {
  if (isFloatDType(dtype)) return dtype;
  throw new DTypeError(`${operation}: operands must be f32 or f16, got ${dtype}. Cast them first.`, { dtype });
}

function isFloatDType(dtype: DType): dtype is FloatDType {
  return isFloat(dtype) && supportsDType({ f16: true }, dtype);
}
