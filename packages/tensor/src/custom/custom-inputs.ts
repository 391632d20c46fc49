import type { Device } from '../core/device.ts';
import { ConfigError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Check, numberThat, shown } from '../core/value-checks.ts';
import { checkOperandList } from '../ops/checks.ts';

/** The last parameter of a custom function: none where its definition names no options. */
export type OptionsOf<Options> = Options extends undefined ? [options?: undefined] : [options: Options];

/** A name for people. @throws ConfigError */
export const isName: Check = (operation, name, value) => {
  if (typeof value === 'string' && /^[\w.-]+$/.test(value)) return;
  throw new ConfigError(
    `${operation}: ${name} must be a name of letters, digits, dots and dashes, got ${shown(value)}.`,
    { value },
  );
};

/** Names of one input or more, none twice. @throws ConfigError */
export const inputNames: Check = (operation, name, value) => {
  if (!Array.isArray(value) || value.length === 0 || new Set(value).size !== value.length) {
    throw new ConfigError(
      `${operation}: ${name} must be a list of one name or more, none twice, got ${shown(value)}.`,
      {
        value,
      },
    );
  }
  for (let i = 0; i < value.length; i++) isName(operation, `${name}[${i}]`, value[i]);
};

/** The device of a custom function's tensors. @throws ConfigError for another number of them; as `checkOperandList` */
export function checkInputs(name: string, names: readonly string[], inputs: readonly Tensor[]): Device {
  const device = checkOperandList(name, 'inputs', inputs);
  numberThat(name, 'the number of inputs', inputs.length, `${names.length} (${names.join(', ')})`, (count) => {
    return count === names.length;
  });
  return device;
}
