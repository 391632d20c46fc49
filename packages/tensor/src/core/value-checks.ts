import { DTYPE_NAMES, isFloat } from './dtype.ts';
import { ConfigError, shown } from './errors.ts';
import { nearestKey } from './nearest-key.ts';

export { shown };

/** Throws unless an argument or option is what it must be. */
export type Check = (operation: string, name: string, value: unknown) => void;

/** One check for each option, so that a list of them cannot forget one. */
export type OptionChecks<Options> = { readonly [name in keyof Options]-?: Check };

function refuse(operation: string, name: string, must: string, value: unknown): never {
  throw new ConfigError(`${operation}: ${name} must be ${must}, got ${shown(value)}.`, { name, value });
}

/** A whole number from `min` to `max`, ends included. @throws ConfigError */
export function wholeNumber(
  operation: string,
  name: string,
  value: unknown,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  refuse(
    operation,
    name,
    max === Number.MAX_SAFE_INTEGER ? `a whole number >= ${min}` : `whole and in ${min}..${max}`,
    value,
  );
}

/** A number for which `holds`, which `must` says in words; NaN and what is no number never are. @throws ConfigError */
export function numberThat(
  operation: string,
  name: string,
  value: unknown,
  must: string,
  holds: (value: number) => boolean,
): asserts value is number {
  if (typeof value !== 'number' || Number.isNaN(value) || !holds(value)) refuse(operation, name, must, value);
}

/** Any number: NaN and the infinities are values as others. @throws ConfigError */
export function isNumber(operation: string, name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') refuse(operation, name, 'a number', value);
}

/** Checks for lists of options; see the functions of like names. */
export const whole =
  (min = 0, max: number = Number.MAX_SAFE_INTEGER): Check =>
  (operation, name, value) =>
    wholeNumber(operation, name, value, min, max);

export const finite: Check = (operation, name, value) =>
  numberThat(operation, name, value, 'a finite number', Number.isFinite);

export const positive: Check = (operation, name, value) =>
  numberThat(operation, name, value, 'a finite number > 0', (x) => x > 0 && x < Infinity);

export const notNegative: Check = (operation, name, value) =>
  numberThat(operation, name, value, 'a finite number >= 0', (x) => x >= 0 && x < Infinity);

export const flag: Check = (operation, name, value) => {
  if (typeof value !== 'boolean') refuse(operation, name, 'true or false', value);
};

/** Finite numbers in a list. */
export const listOfNumbers: Check = (operation, name, value) => {
  if (!Array.isArray(value) || !value.every(Number.isFinite))
    refuse(operation, name, 'a list of finite numbers', value);
};

export const callback: Check = (operation, name, value) => {
  if (typeof value !== 'function') refuse(operation, name, 'a function', value);
};

export const oneOf =
  (...names: readonly string[]): Check =>
  (operation, name, value) => {
    if (!names.includes(value as string)) refuse(operation, name, `one of ${names.join(', ')}`, value);
  };

/** `check`, or null. */
export const orNull =
  (check: Check): Check =>
  (operation, name, value) => {
    if (value !== null) check(operation, name, value);
  };

/** `check` where there is a value. */
export const orAbsent =
  (check: Check): Check =>
  (operation, name, value) => {
    if (value !== undefined) check(operation, name, value);
  };

/** For options that the operator checks itself, together with others. */
export const checkedLater: Check = () => {};

export const dtypeName = oneOf(...DTYPE_NAMES);
export const floatDTypeName = oneOf(...DTYPE_NAMES.filter(isFloat));
/** A seed, or a position in a seed's stream of random numbers. */
export const streamPosition = whole();

/**
 * An options object: no option that the operator does not know, each as its check wants, none missing that is `required`.
 * An option that is undefined counts as left out.
 *
 * @throws ConfigError, or what a check throws
 */
export function checkOptions<Options extends object>(
  operation: string,
  options: Options,
  checks: OptionChecks<Options>,
  required: readonly (keyof Options & string)[] = [],
): void {
  if (options === null || typeof options !== 'object' || Array.isArray(options) || 'isTensor' in options) {
    refuse(operation, 'options', `an object with ${Object.keys(checks).join(', ')}`, options);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name)) throw unknownOption(operation, name, Object.keys(checks));
    const value = options[name as keyof Options];
    if (value !== undefined) checks[name as keyof Options](operation, name, value);
  }
  for (const name of required) {
    if (options[name] === undefined) {
      throw new ConfigError(`${operation}: ${name} must be given, got options without it.`, { name });
    }
  }
}

/** An object of anything by name. @throws ConfigError */
export function checkNames(operation: string, name: string, values: unknown): void {
  if (values !== null && typeof values === 'object' && !Array.isArray(values) && !('isTensor' in values)) return;
  throw new ConfigError(`${operation}: ${name} must be an object with values by name, got ${shown(values)}.`);
}

/**
 * The fields of a configuration, of weights, of a state: each as its check wants, and none that is unknown. An object of a class may
 * have more: a module is weights.
 *
 * @param name what the object is called; its fields are `name.field`
 * @throws ConfigError, or what a check throws
 */
export function checkFields<Value extends object>(
  operation: string,
  name: string,
  value: Value,
  checks: OptionChecks<Value>,
): void {
  checkNames(operation, name, value);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    for (const field of Object.keys(value)) {
      if (!Object.hasOwn(checks, field)) throw unknownField(operation, name, field, Object.keys(checks));
    }
  }
  for (const field of Object.keys(checks)) {
    checks[field as keyof Value](operation, `${name}.${field}`, value[field as keyof Value]);
  }
}

function unknownField(operation: string, name: string, field: string, known: readonly string[]): ConfigError {
  const nearest = nearestKey(field, known);
  const hint = nearest === null ? '.' : `; did you mean ${nearest}?`;
  return new ConfigError(
    `${operation}: ${name} has an unknown field ${field}${hint} It must have ${known.join(', ')}.`,
    {
      name,
      field,
    },
  );
}

/** An option that holds options of its own. */
export const optionsThat =
  <Options extends object>(checks: OptionChecks<Options>, required?: readonly (keyof Options & string)[]): Check =>
  (operation, _name, value) =>
    checkOptions(operation, value as Options, checks, required);

/** What PyTorch and Optax call an option, and what it is called here. */
const ELSEWHERE: Readonly<Record<string, readonly string[] | undefined>> = {
  __proto__: null as never,
  dim: ['axis', 'axes'],
  dims: ['axes'],
  learningRate: ['lr'],
};

function unknownOption(operation: string, name: string, known: readonly string[]): ConfigError {
  const nearest = ELSEWHERE[name]?.find((own) => known.includes(own)) ?? nearestKey(name, known);
  const hint = nearest === null ? '.' : `; did you mean ${nearest}?`;
  return new ConfigError(`${operation}: unknown option ${name}${hint} Options must be among ${known.join(', ')}.`, {
    name,
    known,
  });
}

/**
 * The result of a body that must end before its caller goes on: a promise would be still at work.
 *
 * @throws ConfigError for a promise
 */
export function refusePromise<T>(operation: string, result: T, cure: string): T {
  if (!isPromise(result)) return result;
  // What it meets afterwards (disposed tensors) is this mistake's consequence: it must not end the process.
  Promise.resolve(result).catch(() => {});
  throw new ConfigError(`${operation}: the body must be synchronous, got a promise. ${cure}`);
}

/** What `await` waits for. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function';
}

/** What a synchronous body may return: refuses `async` functions when they are compiled. */
export type Synchronous<T> = T extends PromiseLike<unknown> ? never : T;
