import { ConfigError, nearestKey, shown } from '@modajs/tensor';
import type { DepthOption } from './depth-mechanism.ts';
import { type DepthConfig, depthMechanisms, mechanismNamed } from './mechanisms.ts';

const names = depthMechanisms.map((name) => `'${name}'`).join(', ');

/**
 * A depth mechanism with all of its options, from its name or its kind and some of them.
 *
 * @throws ConfigError for another mechanism, an option that it does not have (with the nearest one), or a value of the wrong kind
 */
export function completeDepth(given: unknown): DepthConfig {
  const named: unknown = typeof given === 'string' ? { kind: given } : given;
  if (typeof named !== 'object' || named === null || Array.isArray(named)) {
    throw new ConfigError(
      `config: depth must be a mechanism's name or a mapping with its kind, got ${shown(given)}. Its name is one of ${names}.`,
      { depth: given },
    );
  }
  const { kind, ...options } = named as Readonly<Record<string, unknown>>;
  const mechanism = typeof kind === 'string' ? mechanismNamed(kind) : null;
  if (mechanism === null) {
    const [key, got] = typeof given === 'string' ? ['depth', given] : ['depth.kind', kind];
    const nearest = typeof got === 'string' ? nearestKey(got, depthMechanisms) : null;
    const cure = nearest === null ? 'Change the value.' : `Did you mean '${nearest}'?`;
    throw new ConfigError(
      `config: ${key} must be one of ${names}, got ${got === undefined ? 'nothing' : shown(got)}. ${cure}`,
      {
        depth: given,
        nearest,
      },
    );
  }
  return Object.freeze({
    kind: mechanism.kind,
    ...completed(mechanism.kind, mechanism.options, options),
  }) as DepthConfig;
}

/** Options in the mechanism's order, with its defaults. */
function completed(
  kind: string,
  rules: Readonly<Record<string, DepthOption<unknown>>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const own = Object.keys(rules);
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(rules, key)) continue;
    const nearest = nearestKey(key, own);
    const all = own.length === 0 ? 'It has none.' : `Its options: ${own.join(', ')}.`;
    throw new ConfigError(
      `config: every key of depth must be an option of '${kind}', got '${key}'. ${nearest ? `Did you mean ${nearest}?` : all}`,
      { key: `depth.${key}`, nearest },
    );
  }
  const options: Record<string, unknown> = {};
  for (const [name, { rule, default: fallback }] of Object.entries(rules)) {
    const value = given[name] === undefined ? fallback : given[name];
    if (!rule.accepts(value)) {
      throw new ConfigError(`config: depth.${name} must be ${rule.expected}, got ${shown(value)}. Change the value.`, {
        key: `depth.${name}`,
        value,
      });
    }
    options[name] = value;
  }
  return options;
}
