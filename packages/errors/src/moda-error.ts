import './dispose-symbols.ts';

/**
 * Base of every error that the caller can fix. The message reads `operation: what must hold, got <values>. <cure>`.
 *
 * `catch (error) { if (error instanceof ModaError) ... }` separates mistakes in arguments, files and settings from faults in this
 * project, in whichever package they were found.
 */
export abstract class ModaError extends Error {
  /** Each class states its own: a minifier renames classes, so the constructor's name says nothing in a built page. */
  abstract override readonly name: string;

  /** @param details the message's values as data */
  constructor(
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
