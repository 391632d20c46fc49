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
  unknownName,
} from '@modajs/errors';
