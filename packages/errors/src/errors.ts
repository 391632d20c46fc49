import { ModaError } from './moda-error.ts';

/** Shapes, ranks, axes, indices or bounds that disagree. */
export class ShapeError extends ModaError {
  override readonly name: string = 'ShapeError';
}

/** An element type that the operator or the device does not take. */
export class DTypeError extends ModaError {
  override readonly name: string = 'DTypeError';
}

/** No such device, a lost device, tensors of two devices in one operator. */
export class DeviceError extends ModaError {
  override readonly name: string = 'DeviceError';
}

/** More memory than the device has or one buffer may hold. */
export class OutOfMemoryError extends ModaError {
  override readonly name: string = 'OutOfMemoryError';
}

/** A kernel cannot be planned or run on this device or for these shapes. */
export class KernelError extends ModaError {
  override readonly name: string = 'KernelError';
}

/** An argument or a configuration that contradicts itself or names what does not exist. */
export class ConfigError extends ModaError {
  override readonly name: string = 'ConfigError';
}

/** A weights or checkpoint file that cannot be read or does not fit. */
export class CheckpointError extends ModaError {
  override readonly name: string = 'CheckpointError';
}

/** Input data that cannot be used. */
export class DataError extends ModaError {
  override readonly name: string = 'DataError';
}

/** The autograd graph was used in a way that has no meaning. */
export class AutogradError extends ModaError {
  override readonly name: string = 'AutogradError';
}
