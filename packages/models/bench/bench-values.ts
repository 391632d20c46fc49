import { type ParseArgsConfig, parseArgs } from 'node:util';

type Values<Defaults> = {
  [Name in keyof Defaults]: Defaults[Name] extends boolean
    ? boolean
    : Defaults[Name] extends string
      ? string
      : string | undefined;
};

/** The command line's values by their defaults: texts (undefined: no default), and switches that are off. */
export function benchValues<const Defaults extends Record<string, string | boolean | undefined>>(
  defaults: Defaults,
): Values<Defaults> {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, value] of Object.entries(defaults)) {
    if (typeof value === 'boolean') options[name] = { type: 'boolean', default: value };
    else options[name] = value === undefined ? { type: 'string' } : { type: 'string', default: value };
  }
  return parseArgs({ options }).values as Values<Defaults>;
}

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
