import type { Device } from '../core/device.ts';
import { DTypeError, ShapeError } from '../core/errors.ts';
import { formatShape, type Shape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { shown } from '../core/value-checks.ts';
import { checkOperands } from './checks.ts';
import { tensor } from './creation.ts';
import { add } from './elementwise.ts';
import { gather } from './indexing.ts';
import { affine, clamp } from './unary.ts';
import { cast, reshape } from './views.ts';

/**
 * Positions along an axis: a list of whole numbers, or an i32 or u32 tensor of any shape. Negative ones count from the end. A number of a
 * list that is out of range is refused; one of a tensor, whose values nobody waits for, reads NaN (0 among integers).
 */
export type Indices = Tensor | readonly number[];

/** `-1` of 5 is 4. @throws ShapeError that names axis, index and size */
export function positionOf(operation: string, name: string, index: number, shape: Shape, axis: number): number {
  const extent = shape[axis];
  if (Number.isInteger(index) && index >= -extent && index < extent) return index < 0 ? index + extent : index;
  const range = extent === 0 ? 'there is none' : `it is whole and in ${-extent}..${extent - 1}`;
  throw new ShapeError(
    `${operation}: ${name} must be an index of axis ${axis} of ${formatShape(shape)}, which has size ${extent} (${range}), got ${shown(index)}.`,
    { axis, index, size: extent },
  );
}

/**
 * Indices as i32 on the device, none negative that is in range.
 *
 * @throws ShapeError for a number out of range; DTypeError for other than i32 or u32; and as `checkOperands`
 */
export function indexTensor(
  operation: string,
  name: string,
  indices: Indices,
  shape: Shape,
  axis: number,
  device: Device,
): Tensor {
  if (Array.isArray(indices)) {
    const positions = Array.from(indices as readonly number[], (index, i) =>
      positionOf(operation, `${name}[${i}]`, index, shape, axis),
    );
    return tensor(Int32Array.from(positions), { device });
  }
  const given = indices as Tensor;
  if (!(given instanceof Tensor)) {
    throw new ShapeError(
      `${operation}: ${name} must be a list of whole numbers or an i32 tensor, got ${shown(indices)}. Use [i] or tensor([i], { dtype: 'i32' }).`,
      { name },
    );
  }
  checkOperands(operation, { [name]: given });
  if (given.dtype === 'u32') return cast(given, 'i32');
  if (given.dtype !== 'i32') {
    throw new DTypeError(
      `${operation}: ${name} must be i32 or u32, got ${given.dtype}. Use cast(${name}, 'i32'), or where() for a mask.`,
      { name, dtype: given.dtype },
    );
  }
  // Plus the extent below 0.
  return add(given, affine(clamp(given, -1, 0), -shape[axis], 0));
}

/** x at `ids` of `indexTensor` along an axis, whose place their axes take. */
export function takeAt(x: Tensor, ids: Tensor, axis: number): Tensor {
  const rows = gather(x, reshape(ids, [sizeOf(ids.shape)]), axis);
  return reshape(rows, [...x.shape.slice(0, axis), ...ids.shape, ...x.shape.slice(axis + 1)]);
}
