/** The error of a call with its class, as text; `no error` when there was none. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return String(error);
  }
  return 'no error';
}
