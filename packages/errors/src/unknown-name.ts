import { ConfigError } from './errors.ts';

/**
 * The end of a switch over names: it does not compile while a name is left, and throws for one that came past the compiler.
 *
 * @throws ConfigError
 */
export function unknownName(kind: string, name: never): never {
  throw new ConfigError(`${kind}: the name must be known, got '${String(name)}'. Check its spelling.`, { kind, name });
}
