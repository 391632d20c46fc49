import type { Device } from '../core/device.ts';
import type { DType } from '../core/dtype.ts';
import { DTypeError, ShapeError } from '../core/errors.ts';
import { contiguousStrides, formatShape, type Shape, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { isOneDevice } from './checks.ts';

/**
 * Memory of an operator's result: new, or the caller's (a depth slot), seen in the result's shape. Internal.
 *
 * @param into contiguous, of as many elements and the same dtype; its old values are lost
 * @throws ShapeError | DTypeError | DeviceError
 */
export function resultMemory(
  operation: string,
  device: Device,
  shape: Shape,
  dtype: DType,
  into: Tensor | null | undefined,
): Tensor {
  if (!into) return allocateTensor(device, shape, dtype);
  checkResultMemory(operation, device, shape, dtype, into);
  return into.alias(shape, contiguousStrides(shape));
}

/** @throws ShapeError | DTypeError | DeviceError unless the result fits `into` */
export function checkResultMemory(operation: string, device: Device, shape: Shape, dtype: DType, into: Tensor): void {
  isOneDevice(operation, device, into.device);
  if (into.dtype !== dtype) throw new DTypeError(`${operation}: into must be ${dtype}, got ${into.dtype}.`);
  if (!into.isContiguous || into.size !== sizeOf(shape)) {
    throw new ShapeError(
      `${operation}: into must be contiguous memory of ${sizeOf(shape)} elements for ${formatShape(shape)}, got ${formatShape(into.shape)}.`,
      { shape, into: into.shape },
    );
  }
}
