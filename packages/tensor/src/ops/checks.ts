import type { Device } from '../core/device.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { DeviceError, DTypeError, ShapeError, shown } from '../core/errors.ts';
import { PROMOTIONS, type Promotion } from '../core/promotion.ts';
import { formatShape, type Shape } from '../core/shape.ts';
import { livingTensor, type Tensor } from '../core/tensor.ts';

type Maybe = Tensor | null | undefined;

/**
 * The device of an operator's tensors: all must be tensors, alive, and on one device that is open.
 *
 * @param required by the names they have in messages
 * @param optional may be null or undefined
 * @throws DTypeError for what is no tensor; AutogradError for a disposed one; DeviceError
 */
export function checkOperands(
  operation: string,
  required: Readonly<Record<string, Maybe>>,
  optional: Readonly<Record<string, Maybe>> = {},
): Device {
  let device: Device | null = null;
  for (const name in required) device = join(operation, name, required[name], device);
  for (const name in optional) {
    const tensor = optional[name];
    if (tensor !== null && tensor !== undefined) device = join(operation, name, tensor, device);
  }
  return device!;
}

function join(operation: string, name: string, value: Maybe, known: Device | null): Device {
  const { device } = livingTensor(operation, name, value);
  if (known === null) device.requireOpen(operation);
  else if (known !== device) throw twoDevices(operation, known, device);
  return device;
}

function twoDevices(operation: string, a: Device, b: Device): DeviceError {
  const names = `${a}` === `${b}` ? `two devices of ${a}` : `${a} and ${b}`;
  return new DeviceError(
    `${operation}: all tensors must live on one device, got ${names}. Create them with the same \`device\` option.`,
  );
}

/** @throws DeviceError unless both are the same */
export function isOneDevice(operation: string, a: Device, b: Device): void {
  if (a !== b) throw twoDevices(operation, a, b);
}

/** A list of one tensor or more, as `checkOperands`. @throws ShapeError and as `checkOperands` */
export function checkOperandList(operation: string, name: string, list: readonly Tensor[]): Device {
  if (!Array.isArray(list) || list.length === 0) {
    throw new ShapeError(`${operation}: ${name} must be a list of one tensor or more, got ${shown(list)}.`);
  }
  let device: Device | null = null;
  for (let i = 0; i < list.length; i++) device = join(operation, `${name}[${i}]`, list[i], device);
  return device!;
}

/** @throws unless a living f32 scalar on the device */
export function checkScalar(operation: string, name: string, tensor: Tensor, device: Device): void {
  isOneDevice(operation, device, checkOperands(operation, { [name]: tensor }));
  dtypeIs(operation, name, tensor, 'f32');
  shapeIs(operation, name, tensor.shape, []);
}

/** The dtype that tensors make together (`core/promotion.ts`). @throws DTypeError, which names the cast */
export function sameDType(operation: string, ...tensors: readonly Maybe[]): DType {
  let dtype: DType | null = null;
  for (const tensor of tensors) {
    if (!tensor) continue;
    if (dtype === null) {
      dtype = tensor.dtype;
      continue;
    }
    const made: Promotion = PROMOTIONS.arithmetic[dtype][tensor.dtype];
    if ('cast' in made) {
      const other = dtype === made.cast ? tensor.dtype : dtype;
      throw new DTypeError(
        `${operation}: all tensors must have one dtype, got ${dtype} and ${tensor.dtype}. Use cast(x, '${made.cast}') for the ${other} one.`,
        { dtypes: [dtype, tensor.dtype] },
      );
    }
    dtype = made.result;
  }
  return dtype!;
}

/** @throws DTypeError, which names the cast, unless f32 or f16 */
export function floatOnly(operation: string, ...tensors: readonly Maybe[]): void {
  for (const tensor of tensors) {
    if (!tensor || 'result' in PROMOTIONS.real[tensor.dtype][tensor.dtype]) continue;
    // What it must meet decides what to cast it to.
    const partner = tensors.find((other) => other && isFloat(other.dtype)) ?? tensor;
    const made = PROMOTIONS.real[tensor.dtype][partner.dtype];
    if ('cast' in made) {
      throw new DTypeError(
        `${operation}: values must be f32 or f16, got ${tensor.dtype}. Use cast(x, '${made.cast}').`,
        { dtype: tensor.dtype },
      );
    }
  }
}

/** @throws DTypeError unless i32 or u32, or i32 alone for those whose sign means something */
export function integersOnly(operation: string, name: string, tensor: Tensor, isSigned = false): void {
  if (tensor.dtype === 'i32' || (tensor.dtype === 'u32' && !isSigned)) return;
  const wanted = isSigned ? 'i32' : 'i32 or u32';
  throw new DTypeError(`${operation}: ${name} must be ${wanted}, got ${tensor.dtype}. Use cast(${name}, 'i32').`, {
    name,
    dtype: tensor.dtype,
  });
}

/** @throws DTypeError unless the dtype is `dtype` */
export function dtypeIs(operation: string, name: string, tensor: Tensor, dtype: DType): void {
  if (tensor.dtype === dtype) return;
  throw new DTypeError(`${operation}: ${name} must be ${dtype}, got ${tensor.dtype}. Use cast(${name}, '${dtype}').`, {
    name,
    dtype: tensor.dtype,
  });
}

/** @throws ShapeError unless `actual` equals `expected`; `letters` names the axes, `'[B, T, H, D]'` */
export function shapeIs(operation: string, name: string, actual: Shape, expected: Shape, letters?: string): void {
  if (actual.length === expected.length && actual.every((extent, axis) => extent === expected[axis])) return;
  const meaning = letters === undefined ? '' : `${letters} = `;
  throw new ShapeError(
    `${operation}: ${name} must be ${meaning}${formatShape(expected)}, got ${formatShape(actual)}.`,
    { name, actual, expected },
  );
}

/** @throws ShapeError unless the rank is right */
export function rankIs(operation: string, name: string, tensor: Tensor, letters: string): void {
  const rank = letters.split(',').length;
  if (tensor.rank !== rank) {
    throw new ShapeError(`${operation}: ${name} must have ${rank} axes ${letters}, got ${formatShape(tensor.shape)}.`, {
      name,
      shape: tensor.shape,
    });
  }
}
