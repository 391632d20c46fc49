import type { Device } from '../core/device.ts';
import type { DType } from '../core/dtype.ts';
import { AutogradError, ConfigError } from '../core/errors.ts';
import { type Check, checkNames, numberThat, shown } from '../core/value-checks.ts';
import { checkOperands, dtypeIs, floatOnly, isOneDevice, shapeIs } from '../ops/checks.ts';
import type { NamedTensors } from './adamw.ts';

/**
 * One tensor or more by name, alive and on one device.
 *
 * @param dtype what they must be; f32 or f16 by default
 * @throws ConfigError for what is no such object or empty; AutogradError | DTypeError | DeviceError
 */
export function checkNamedTensors(operation: string, name: string, tensors: NamedTensors, dtype?: DType): Device {
  checkNames(operation, name, tensors);
  if (Object.keys(tensors).length === 0) {
    throw new ConfigError(`${operation}: ${name} must hold at least one tensor, got none.`);
  }
  const device = checkOperands(operation, tensors);
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
    if (grad === null) continue;
    isOneDevice(operation, checkOperands(operation, { [`${name}.grad`]: grad }), device);
    floatOnly(operation, grad);
    shapeIs(operation, `${name}.grad`, grad.shape, parameter.shape);
  }
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
