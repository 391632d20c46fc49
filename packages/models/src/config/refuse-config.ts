import { ConfigError, shown } from '@modajs/tensor';

/** @throws ConfigError naming the rule, the fields that break it, and the cure */
export function refuseConfig(rule: string, got: Readonly<Record<string, unknown>>, cure: string): never {
  const values = Object.entries(got)
    .map(([key, value]) => `${key}=${shown(value)}`)
    .join(', ');
  throw new ConfigError(`config: ${rule}, got ${values}. ${cure}`, got);
}
