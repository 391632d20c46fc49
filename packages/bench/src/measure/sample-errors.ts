/** Largest errors of sampled vectors against f64, relative to the largest true value of the vector, by operand. NaN stays. */
export class SampleErrors {
  readonly #errors: Record<string, number> = {};

  note(name: string, actual: Float64Array, expected: Float64Array): void {
    const largest = expected.reduce((a, x) => Math.max(a, Math.abs(x)), 1e-30);
    let error = this.#errors[name] ?? 0;
    for (const [d, x] of expected.entries()) {
      const distance = Math.abs(actual[d]! - x) / largest;
      error = Number.isNaN(distance) || Number.isNaN(error) ? Number.NaN : Math.max(error, distance);
    }
    this.#errors[name] = error;
  }

  all(): Readonly<Record<string, number>> {
    return { ...this.#errors };
  }
}
