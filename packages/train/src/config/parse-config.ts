import { ConfigError } from '@modajs/tensor';
import { parseYaml } from './parse-yaml.ts';
import { type RawConfig, shortened } from './resolve-config.ts';
import { runTextShape } from './run-config.ts';
import { shapeOfKey, type TextShape } from './text-shape.ts';

/**
 * Reads a YAML mapping. An empty text is an empty mapping.
 *
 * @param texts where the mapping holds text; a training configuration's by default
 * @throws ConfigError with line and column for text that is not YAML, and for YAML that is not a mapping
 */
export function parseConfigText(yaml: string, where: string, texts: TextShape = runTextShape): RawConfig {
  const value = parseYaml(yaml, where, texts);
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new ConfigError(`${where}: must hold "key: value" lines, got ${JSON.stringify(value)?.slice(0, 60)}.`);
  }
  return value as RawConfig;
}

/**
 * One `--set a.b=value` option as a nested mapping; the value is YAML, so `1e-3`, `true`, `null` and `[1, 2]` have types
 * where the setting is no text.
 *
 * @throws ConfigError when there is no `=` or no key
 */
export function parseSetOption(option: string, texts: TextShape = runTextShape): RawConfig {
  const equals = option.indexOf('=');
  const keys = option.slice(0, Math.max(0, equals)).trim().split('.');
  if (equals < 0 || keys.some((key) => key === '')) {
    throw new ConfigError(`--set: must be key=value, got "${shortened(option)}". Example: --set optimizer.lr=3e-4`);
  }
  const shape = keys.reduce(shapeOfKey, texts);
  const value = parseYaml(option.slice(equals + 1), `--set ${shortened(keys.join('.'))}`, shape);
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as RawConfig;
}
