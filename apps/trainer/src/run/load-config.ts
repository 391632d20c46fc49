import { readdir, readFile } from 'node:fs/promises';
import { ConfigError } from '@modajs/tensor';
import { mergeConfigs, nearestKey, parseConfigText, parseSetOption, type RawConfig } from '@modajs/train';

const PRESETS = new URL('../presets/', import.meta.url);

/** Names of the presets that come with the package. */
export async function presetNames(): Promise<string[]> {
  const files = await readdir(PRESETS);
  return files.filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -5));
}

/** Settings of a preset. @throws ConfigError for an unknown name, with the nearest one */
export async function loadPreset(name: string): Promise<RawConfig> {
  const names = await presetNames();
  if (!names.includes(name)) {
    const nearest = nearestKey(name, names);
    const cure = nearest === null ? `There are ${names.join(', ')}.` : `Did you mean "${nearest}"?`;
    throw new ConfigError(`config: unknown preset "${name}". ${cure}`, { name, nearest });
  }
  const raw = parseConfigText(await readFile(new URL(`${name}.yaml`, PRESETS), 'utf8'), `preset ${name}`);
  return { name, ...raw };
}

/** Where settings come from; later ones win: preset, file, single settings. */
export interface ConfigOptions {
  readonly preset?: string;
  /** Path of a YAML file. */
  readonly config?: string;
  /** `key=value` each. */
  readonly set?: readonly string[];
}

/** Merges the layers, unchecked. @throws ConfigError for an unreadable file, broken YAML, a malformed `--set` */
export async function loadRawConfig({ preset, config, set = [] }: ConfigOptions): Promise<RawConfig> {
  const layers: RawConfig[] = [];
  if (preset !== undefined || config === undefined) layers.push(await loadPreset(preset ?? 'tiny'));
  if (config !== undefined) layers.push(parseConfigText(await readConfigFile(config), config));
  return mergeConfigs(...layers, ...set.map((option) => parseSetOption(option)));
}

async function readConfigFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`config: ${path} must be a readable YAML file, got ${error.code}. Check --config.`, { path });
  });
}
