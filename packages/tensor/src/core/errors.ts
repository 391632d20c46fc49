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
  shown,
  unknownName,
} from '@modajs/errors';
