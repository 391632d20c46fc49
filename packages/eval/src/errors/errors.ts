import { ConfigError as BaseConfigError, DataError as BaseDataError } from '@modajs/tensor';

/** Where in an evaluation something went wrong; every field that is known is filled. */
export interface DataErrorContext {
  readonly task?: string;
  /** Position of the document in the evaluated order, or its native id. */
  readonly document?: string | number;
  readonly field?: string;
  readonly path?: string;
  /** Position of the request in the batch of requests a model was asked. */
  readonly request?: number;
}

/**
 * A dataset, document or results file is not what it must be: a field is missing, a choice is empty, a file cannot be
 * reached, a context does not fit the model. The place is in the message and in `task`, `document`, `field`, `path`.
 */
export class DataError extends BaseDataError {
  readonly task?: string;
  readonly document?: string | number;
  readonly field?: string;
  readonly path?: string;
  readonly request?: number;

  constructor(message: string, context: DataErrorContext = {}, options?: ErrorOptions) {
    super(message, { ...context }, options);
    this.task = context.task;
    this.document = context.document;
    this.field = context.field;
    this.path = context.path;
    this.request = context.request;
  }
}

/** An option or a task definition is wrong; `field` names it. */
export class ConfigError extends BaseConfigError {
  constructor(
    message: string,
    readonly field?: string,
    options?: ErrorOptions,
  ) {
    super(message, field === undefined ? {} : { field }, options);
  }
}

/** @throws ConfigError unless `value` is undefined or a positive whole number. */
export function requirePositive(operation: string, name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return;
  throw new ConfigError(`${operation}: ${name} must be a positive whole number, got ${value}.`, name);
}
