/** What a config field may hold, in words and as a test. */
export interface FieldRule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** Whether a value is a whole number. */
export const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);

/** A size: sizes are 32-bit integers on devices. */
export const wholeFrom = (low: number): FieldRule => ({
  expected: `a whole number >= ${low} and < 2^31`,
  accepts: (value) => isWhole(value) && value >= low && value < 2 ** 31,
});

/** A finite number above 0. */
export const positive: FieldRule = {
  expected: 'a number > 0',
  accepts: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
};

/** True or false. */
export const flag: FieldRule = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };

/** One of some names. */
export const oneOf = (...values: readonly string[]): FieldRule => ({
  expected: `one of ${values.map((value) => `'${value}'`).join(', ')}`,
  accepts: (value) => values.includes(value as string),
});

/** What a rule accepts, or null. */
export const orNull = (rule: FieldRule): FieldRule => ({
  expected: `${rule.expected}, or null`,
  accepts: (value) => value === null || rule.accepts(value),
});
