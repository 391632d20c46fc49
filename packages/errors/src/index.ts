export {
  AutogradError,
  CheckpointError,
  ConfigError,
  DataError,
  DeviceError,
  DTypeError,
  KernelError,
  OutOfMemoryError,
  ShapeError,
} from './errors.ts';
export { ModaError } from './moda-error.ts';
export { SHOWN, shown } from './shown.ts';
export { unknownName } from './unknown-name.ts';
