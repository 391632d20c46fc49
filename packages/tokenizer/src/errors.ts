import { DataError as BaseDataError, ModaError } from '@modajs/errors';

export { shown } from '@modajs/errors';

/**
 * A tokenizer file, a vocabulary, an id or a text that the tokenizer cannot accept.
 * The message reads `operation: what must hold, got <values>. <cure>`.
 */
export class TokenizerError extends ModaError {
  override readonly name: string = 'TokenizerError';
  /** The public operation that refused, for example `encode`. */
  readonly operation: string;
  /** Where in the file or text the problem is, when known: a JSON path or a UTF-16 position. */
  readonly place: string | number | undefined;

  constructor(operation: string, problem: string, options: { place?: string | number; cause?: unknown } = {}) {
    const { place, cause } = options;
    super(`${operation}: ${problem}`, { operation, place }, cause === undefined ? undefined : { cause });
    this.operation = operation;
    this.place = place;
  }
}

/** Input data, or prepared data on disk, that cannot be used: names the file and the place in it. */
export class DataError extends BaseDataError {
  readonly operation: string;
  readonly path: string;
  /** `byte 17`, `line 3`, `row 5`, when known. */
  readonly place: string | undefined;

  constructor(operation: string, path: string, problem: string, options: { place?: string; cause?: unknown } = {}) {
    const { place, cause } = options;
    const where = place === undefined ? path : `${path} (${place})`;
    const details = { operation, path, place };
    super(`${operation}: ${where} ${problem}`, details, cause === undefined ? undefined : { cause });
    this.operation = operation;
    this.path = path;
    this.place = place;
  }
}
