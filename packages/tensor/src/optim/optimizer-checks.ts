import type { Device } from '../core/device.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { AutogradError, ConfigError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Check, checkNames, numberThat, shown } from '../core/value-checks.ts';
import { checkOperands, dtypeIs, floatOnly, isOneDevice, shapeIs } from '../ops/checks.ts';
import type { NamedTensors } from './optimizer.ts';

/**
 * One tensor or more by name, alive and on one device.
 *
 * @param dtype what they must be; f32 or f16 by default
 * @throws ConfigError for what is no such object or empty, and for a tensor that comes twice; AutogradError | DTypeError | DeviceError
 */
export function checkNamedTensors(operation: string, name: string, tensors: NamedTensors, dtype?: DType): Device {
  checkNames(operation, name, tensors);
  if (Object.keys(tensors).length === 0) {
    throw new ConfigError(`${operation}: ${name} must hold at least one tensor, got none.`);
  }
  const device = checkOperands(operation, tensors);
  const names = new Map<Tensor, string>();
  for (const [key, tensor] of Object.entries(tensors)) {
    const first = names.get(tensor);
    if (first !== undefined) {
      throw new ConfigError(
        `${operation}: ${name} must hold each tensor once, got one as ${first} and as ${key}. Give a shared parameter one name.`,
        { names: [first, key] },
      );
    }
    names.set(tensor, key);
  }
  for (const key of Object.keys(tensors)) {
    if (dtype === undefined) floatOnly(operation, tensors[key]);
    else dtypeIs(operation, key, tensors[key], dtype);
  }
  return device;
}

/** What has a gradient: parameters and gradients alive, of one shape, on the device. @throws AutogradError and as its checks */
export function checkGradients(operation: string, params: NamedTensors, device: Device): void {
  for (const name of Object.keys(params)) {
    const parameter = params[name];
    if (parameter.isDisposed) {
      throw new AutogradError(`${operation}: parameters must be alive, got ${name} disposed. Keep the model as long.`, {
        name,
      });
    }
    const { grad } = parameter;
    if (grad === null || isPlainGradient(grad, parameter, device)) continue;
    isOneDevice(operation, checkOperands(operation, { [`${name}.grad`]: grad }), device);
    floatOnly(operation, grad);
    shapeIs(operation, `${name}.grad`, grad.shape, parameter.shape);
  }
}

/** What almost every gradient is. Asked for each parameter at each step, so it makes no objects; what is not goes on to be named. */
function isPlainGradient(grad: Tensor, parameter: Tensor, device: Device): boolean {
  return (
    !grad.isDisposed &&
    grad.device === device &&
    isFloat(grad.dtype) &&
    (grad.shape === parameter.shape || isSameShape(grad.shape, parameter.shape))
  );
}

function isSameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Two decay rates in [0, 1). */
export const betas: Check = (operation, name, value) => {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new ConfigError(`${operation}: ${name} must be two numbers in [0, 1), got ${shown(value)}. Use [0.9, 0.95].`);
  }
  for (let i = 0; i < 2; i++) {
    numberThat(operation, `${name}[${i}]`, value[i], 'in [0, 1)', (beta) => beta >= 0 && beta < 1);
  }
};
