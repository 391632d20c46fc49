import { type DType, isFloat } from '../core/dtype.ts';
import { DTypeError, ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkOptions, dtypeName, type OptionChecks, wholeNumber } from '../core/value-checks.ts';
import { checkOperands } from './checks.ts';
import { arange } from './creation.ts';
import { add, equal, greaterEqual, type Operand, where } from './elementwise.ts';
import { cast, reshape, unsqueeze } from './views.ts';

/** `x` where `mask` is 0, else `value`: PyTorch's `masked_fill`. `mask`, of any dtype, broadcasts to x. @throws as `where` */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  checkOperands('maskedFill', { x, mask });
  return where(mask, value, x);
}

/**
 * The lower triangle of the last two axes, zeros above: element `[.., i, j]` stays where `j <= i + diagonal`.
 *
 * @throws ShapeError for fewer than two axes; ConfigError for a diagonal that is not whole
 */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle('tril', x, diagonal);
}

/** The upper triangle of the last two axes, zeros below: element `[.., i, j]` stays where `j >= i + diagonal`. @throws as `tril` */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle('triu', x, diagonal);
}

function triangle(operation: 'tril' | 'triu', x: Tensor, diagonal: number): Tensor {
  const device = checkOperands(operation, { x });
  wholeNumber(operation, 'diagonal', diagonal, -(2 ** 31), 2 ** 31 - 1);
  if (x.rank < 2) throw new ShapeError(`${operation}: x needs two axes or more, got ${formatShape(x.shape)}.`);
  return tidy(() => {
    const [rows, columns] = x.shape.slice(-2);
    const row = add(reshape(arange(rows, { dtype: 'i32', device }), [rows, 1]), diagonal);
    const column = arange(columns, { dtype: 'i32', device });
    const stays = operation === 'tril' ? greaterEqual(row, column) : greaterEqual(column, row);
    return where(stays, x, 0);
  });
}

export interface OneHotOptions {
  /** f32 by default. */
  readonly dtype?: DType;
}

const ONE_HOT_OPTIONS: OptionChecks<OneHotOptions> = { dtype: dtypeName };

/**
 * A 1 at each id, zeros elsewhere: `[...]` to `[..., classes]`. An id outside `0..classes-1` gives a row of zeros.
 *
 * @param ids i32 or u32
 * @throws DTypeError for ids with fractions; ConfigError for `classes`
 */
export function oneHot(ids: Tensor, classes: number, options: OneHotOptions = {}): Tensor {
  const device = checkOperands('oneHot', { ids });
  wholeNumber('oneHot', 'classes', classes, 1);
  checkOptions('oneHot', options, ONE_HOT_OPTIONS);
  if (isFloat(ids.dtype)) {
    throw new DTypeError(`oneHot: ids must be i32 or u32, got ${ids.dtype}. Use cast().`, { dtype: ids.dtype });
  }
  return tidy(() => {
    const hit = equal(unsqueeze(ids, ids.rank), arange(classes, { dtype: ids.dtype, device }));
    return cast(hit, options.dtype ?? 'f32');
  });
}
