import { type Device, defaultDevice, isDevice } from '../core/device.ts';
import { type DType, type HostArray, isFloat } from '../core/dtype.ts';
import { ConfigError, DTypeError, ShapeError } from '../core/errors.ts';
import { NUMBERS } from '../core/promotion.ts';
import { checkShape, formatShape, type Shape, sizeOf } from '../core/shape.ts';
import { allocateTensor, type NestedArray, type Tensor } from '../core/tensor.ts';
import {
  type Check,
  checkOptions,
  dtypeName,
  finite,
  notNegative,
  type OptionChecks,
  shown,
  streamPosition,
  wholeNumber,
} from '../core/value-checks.ts';
import { checkOperands } from './checks.ts';

export interface CreationOptions {
  /** f32 by default. */
  readonly dtype?: DType;
  /** The device of the last `init` by default. */
  readonly device?: Device;
}

const CREATION_OPTIONS: OptionChecks<CreationOptions> = { dtype: dtypeName, device: isDevice };

const isShape: Check = (operation, name, value) => checkShape(operation, value as Shape, name);

/**
 * A tensor whose contents the caller will write.
 *
 * @throws ShapeError | ConfigError for arguments that are none; DTypeError when the device has no such dtype; OutOfMemoryError
 */
export function empty(shape: Shape, options: CreationOptions = {}): Tensor {
  checkOptions('empty', options, CREATION_OPTIONS);
  return create('empty', shape, options);
}

/** `empty` for options that are checked. */
function create(operation: string, shape: Shape, { dtype = 'f32', device = defaultDevice() }: CreationOptions): Tensor {
  checkShape(operation, shape);
  device.requireOpen(operation);
  if (!device.supports(dtype)) {
    throw new DTypeError(
      `${operation}: ${dtype} needs a device that can store it, got ${device}. Use f32, or another device.`,
      { dtype },
    );
  }
  return allocateTensor(device, [...shape], dtype);
}

/** Options of `tensor`. */
export interface TensorOptions extends CreationOptions {
  /** That of nested arrays, `[length]` of a typed array by default. */
  readonly shape?: Shape;
}

const TENSOR_OPTIONS: OptionChecks<TensorOptions> = { ...CREATION_OPTIONS, shape: isShape };

/**
 * A tensor from a number, nested arrays or a typed array.
 *
 * @param data rectangular; a typed array needs `shape` unless it is one-dimensional
 * @throws ShapeError for ragged arrays or a shape of another size; DTypeError for what is no number, or not whole where dtype is
 */
export function tensor(data: NestedArray | HostArray, options: TensorOptions = {}): Tensor {
  checkOptions('tensor', options, TENSOR_OPTIONS);
  const nested = !isNumbers(data);
  const inferred = nested ? shapeOfNested(data) : [data.length];
  const shape = options.shape ?? inferred;
  checkShape('tensor', shape);
  const dtype = options.dtype ?? (data instanceof Int32Array ? 'i32' : data instanceof Uint32Array ? 'u32' : 'f32');
  const flat = hostNumbers('tensor', nested ? flatten(data) : data, dtype);
  if (flat.length !== sizeOf(shape)) {
    throw new ShapeError(`tensor: shape ${formatShape(shape)} needs ${sizeOf(shape)} values, got ${flat.length}.`, {
      shape,
      length: flat.length,
    });
  }
  const result = create('tensor', shape, { device: options.device, dtype });
  result.device.backend.upload(result.storage.raw, 0, flat);
  return result;
}

/** `shape` filled with a number. @throws DTypeError for a value that an integer dtype does not hold; and as `empty` */
export function full(shape: Shape, value: number, options: CreationOptions = {}): Tensor {
  return filled('full', shape, value, options);
}

export function zeros(shape: Shape, options: CreationOptions = {}): Tensor {
  return filled('zeros', shape, 0, options);
}

export function ones(shape: Shape, options: CreationOptions = {}): Tensor {
  return filled('ones', shape, 1, options);
}

function filled(operation: string, shape: Shape, value: number, options: CreationOptions): Tensor {
  checkOptions(operation, options, CREATION_OPTIONS);
  numberFits(operation, 'value', value, options.dtype ?? 'f32');
  const result = create(operation, shape, options);
  result.device.backend.fill(result.view, value);
  return result;
}

export function zerosLike(x: Tensor): Tensor {
  checkOperands('zerosLike', { x });
  return full(x.shape, 0, { dtype: x.dtype, device: x.device });
}

export function onesLike(x: Tensor): Tensor {
  checkOperands('onesLike', { x });
  return full(x.shape, 1, { dtype: x.dtype, device: x.device });
}

/** `0, 1, ..., n - 1`, i32 by default. */
export function arange(n: number, options: CreationOptions = {}): Tensor {
  checkOptions('arange', options, CREATION_OPTIONS);
  wholeNumber('arange', 'n', n, 0, 2 ** 31);
  const values = Int32Array.from({ length: n }, (_, i) => i);
  const dtype = options.dtype ?? 'i32';
  return tensor(isFloat(dtype) ? Float32Array.from(values) : values, { ...options, dtype });
}

export interface RandomOptions extends CreationOptions {
  /** Whole number, 0 or more. The same seed gives the same numbers on every device. */
  readonly seed: number;
  /** Elements of the seed's stream to skip. */
  readonly offset?: number;
}

/** The largest f32. */
const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;

const RANDOM_OPTIONS: OptionChecks<RandomOptions> = {
  ...CREATION_OPTIONS,
  seed: streamPosition,
  offset: streamPosition,
};

/** Options of `randomUniform`. */
export interface UniformOptions extends RandomOptions {
  /** 0 by default. */
  readonly min?: number;
  /** 1 by default. */
  readonly max?: number;
}

const UNIFORM_OPTIONS: OptionChecks<UniformOptions> = { ...RANDOM_OPTIONS, min: finite, max: finite };

/**
 * Uniform in [min, max), from 24 bits (Philox 4x32-10): in [0, 1) bit-identical on every device. Rounding may give `max` itself in any
 * other range.
 *
 * @throws as `empty`, and ConfigError without a seed and for a range that is empty or no float holds
 */
export function randomUniform(shape: Shape, options: UniformOptions): Tensor {
  checkOptions('randomUniform', options, UNIFORM_OPTIONS, ['seed']);
  const { seed, offset = 0, min = 0, max = 1 } = options;
  if (!(min < max && max - min <= MAX_F32)) {
    throw new ConfigError(
      `randomUniform: min must be below max, and max - min at most ${MAX_F32}, got min=${min}, max=${max}. Swap them, or use full() for one value.`,
      { min, max },
    );
  }
  floatDType('randomUniform', options.dtype);
  const result = create('randomUniform', shape, options);
  const { backend } = result.device;
  backend.random('uniform', seed, offset, result.view);
  if (min !== 0 || max !== 1) backend.unary('affine', result.view, result.view, max - min, min);
  return result;
}

/** Options of `randomNormal`. */
export interface NormalOptions extends RandomOptions {
  /** 0 by default. */
  readonly mean?: number;
  /** Standard deviation, 1 by default. */
  readonly std?: number;
}

const NORMAL_OPTIONS: OptionChecks<NormalOptions> = { ...RANDOM_OPTIONS, mean: finite, std: notNegative };

/** Normal with `mean` and `std`. The same on every device to the rounding of its logarithm and cosine. @throws as `randomUniform` */
export function randomNormal(shape: Shape, options: NormalOptions): Tensor {
  checkOptions('randomNormal', options, NORMAL_OPTIONS, ['seed']);
  const { seed, offset = 0, mean = 0, std = 1 } = options;
  floatDType('randomNormal', options.dtype);
  const result = create('randomNormal', shape, options);
  const { backend } = result.device;
  backend.random('normal', seed, offset, result.view);
  if (mean !== 0 || std !== 1) backend.unary('affine', result.view, result.view, std, mean);
  return result;
}

function floatDType(operation: string, dtype: DType = 'f32'): void {
  if (!isFloat(dtype))
    throw new DTypeError(`${operation}: dtype must be f32 or f16, got ${dtype}. Use cast().`, { dtype });
}

/** First and last number of an integer dtype. */
export const INTEGER_RANGES = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] } as const;

/**
 * A number that becomes an element of `dtype`, or stands beside a tensor of it: whole and in range for integers, for nothing is rounded or
 * wrapped on the way in (`core/promotion.ts`).
 *
 * @param cure what to do about a fraction
 * @throws DTypeError
 */
export function numberFits(
  operation: string,
  name: string,
  value: unknown,
  dtype: DType,
  cure = "Use dtype: 'f32' for fractions.",
): asserts value is number {
  if (typeof value !== 'number') {
    throw new DTypeError(`${operation}: ${name} must be a number, got ${shown(value)}.`, { name, value });
  }
  const isAllowed = 'result' in NUMBERS[dtype][Number.isInteger(value) ? 'whole' : 'fraction'];
  if (dtype !== 'i32' && dtype !== 'u32') return;
  const [first, last] = INTEGER_RANGES[dtype];
  if (isAllowed && value >= first && value <= last) return;
  throw new DTypeError(
    `${operation}: ${name} must be whole and in ${first}..${last} for ${dtype}, got ${value}. ${cure}`,
    { name, value, dtype },
  );
}

/** The cure for a fraction beside an integer tensor. */
export function castFor(tensor: string, dtype: DType): string {
  const made = NUMBERS[dtype].fraction;
  return `Use cast(${tensor}, '${'cast' in made ? made.cast : made.result}') for fractions.`;
}

/** A typed array of numbers. */
export function isNumbers(data: unknown): data is HostArray {
  return (
    ArrayBuffer.isView(data) && 'length' in data && !(data instanceof BigInt64Array || data instanceof BigUint64Array)
  );
}

/** More axes than any operator takes; arrays that hold themselves end here. */
const MAX_NESTING = 32;

function shapeOfNested(data: NestedArray): number[] {
  const shape: number[] = [];
  let level: unknown = data;
  while (Array.isArray(level) || isNumbers(level)) {
    if (shape.length === MAX_NESTING) {
      throw new ShapeError(`tensor: nested arrays must have at most ${MAX_NESTING} axes, got more.`, { shape });
    }
    shape.push(level.length);
    if (level.length === 0) break;
    level = level[0];
  }
  return shape;
}

function flatten(data: NestedArray): number[] {
  const shape = shapeOfNested(data);
  const flat: number[] = [];
  const visit = (value: unknown, axis: number): void => {
    if (axis === shape.length) {
      numberFits('tensor', 'every element', value, 'f32');
      flat.push(value);
      return;
    }
    if ((!Array.isArray(value) && !isNumbers(value)) || value.length !== shape[axis]) {
      throw new ShapeError(
        `tensor: nested arrays must be rectangular ${formatShape(shape)}, got a row that differs at depth ${axis}.`,
        { shape },
      );
    }
    for (let i = 0; i < value.length; i++) visit(value[i], axis + 1);
  };
  visit(data, 0);
  return flat;
}

/** The numbers as a device takes them for a dtype; whole ones are checked as they are converted. @throws DTypeError */
export function hostNumbers(operation: string, data: HostArray | readonly number[], dtype: DType): HostArray {
  if (isFloat(dtype)) {
    if (data instanceof Float32Array || data instanceof Float64Array) return data;
    return Array.isArray(data) ? Float64Array.from(data) : Float32Array.from(data);
  }
  const fitting = (value: number): number => {
    numberFits(operation, 'every element', value, dtype);
    return value;
  };
  const numbers: ArrayLike<number> = data;
  if (dtype === 'i32') return data instanceof Int32Array ? data : Int32Array.from(numbers, fitting);
  return data instanceof Uint32Array ? data : Uint32Array.from(numbers, fitting);
}
