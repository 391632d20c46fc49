export {
  AutogradError,
  CheckpointError,
  ConfigError,
  DataError,
  DeviceError,
  DTypeError,
  KernelError,
  ModaError,
  OutOfMemoryError,
  ShapeError,
} from '@modajs/errors';
