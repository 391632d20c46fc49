import './dispose-symbols.ts';

/** Values in a message come from files too: one may be as long as the file. */
const longestMessage = 2000;
/** The cure stands at a message's end. */
const keptEnd = 400;

/**
 * Base of every error that the caller can fix. The message reads `operation: what must hold, got <values>. <cure>`.
 *
 * `catch (error) { if (error instanceof ModaError) ... }` separates mistakes in arguments, files and settings from faults in this
 * project, in whichever package they were found.
 */
export abstract class ModaError extends Error {
  /** Each class states its own: a minifier renames classes, so the constructor's name says nothing in a built page. */
  abstract override readonly name: string;

  /**
   * @param message cut in its middle beyond 2,000 characters
   * @param details the message's values as data
   */
  constructor(
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(bounded(message), options);
  }
}

function bounded(message: string): string {
  if (message.length <= longestMessage) return message;
  return `${message.slice(0, longestMessage - keptEnd - 5)} ... ${message.slice(-keptEnd)}`;
}
