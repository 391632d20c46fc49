/** A request that is answered with a status and one line of text. */
export class HttpError extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 405 | 416 | 421,
    message: string,
  ) {
    super(message);
  }
}
