import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { presets } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import { mergeConfigs, nearestKey, parseConfigText, parseSetOption, type RawConfig } from '@modajs/train';

const PRESETS = new URL('../presets/', import.meta.url);

/** Files of settings that the models of a family share; every other model has one of its own name. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^layers-24-/, 'layers-24'],
  [/^layers-48-/, 'layers-48'],
  [/^(moda|olmo2)-(700m|1\.5b)/, 'paper'],
];

/** Names of the presets: the models of the zoo, each with settings to train it. */
export const presetNames: readonly string[] = Object.keys(presets);

/** Settings of a preset. @throws ConfigError for an unknown name, with the nearest one */
export async function loadPreset(name: string): Promise<RawConfig> {
  const names = presetNames;
  if (!names.includes(name)) {
    const nearest = nearestKey(name, names);
    const cure = nearest === null ? `There are ${names.join(', ')}.` : `Did you mean "${nearest}"?`;
    throw new ConfigError(`config: unknown preset "${name}". ${cure}`, { name, nearest });
  }
  return presetOf(name, await readFile(new URL(presetFile(name), PRESETS), 'utf8'));
}

/** The file in `presets/` that has the settings of a model of the zoo. */
export function presetFile(name: string): string {
  return `${FAMILIES.find(([family]) => family.test(name))?.[1] ?? name}.yaml`;
}

/** Settings of a preset from the text of its file. */
export function presetOf(name: string, text: string): RawConfig {
  return { name, model: { preset: name }, ...parseConfigText(text, `preset ${name}`) };
}

/** Where settings come from; later ones win: preset, file, single settings. */
export interface ConfigOptions {
  readonly preset?: string;
  /** Path of a YAML file. */
  readonly config?: string;
  /** `key=value` each. */
  readonly set?: readonly string[];
}

/** What fine-tuning does where nothing else is said: small steps, few of them. */
const TUNING: RawConfig = {
  training: { steps: 300 },
  optimizer: { lr: 1e-4, weightDecay: 0 },
  schedule: { warmupSteps: 20 },
  evaluation: { every: 100 },
  checkpoint: { every: 100 },
  samples: { prompts: ['The'] },
};

/** An adapter starts at nothing and takes larger steps. */
const ADAPTING: RawConfig = { optimizer: { lr: 1e-3 } };

function trainsAdapter({ lora }: RawConfig): boolean {
  return typeof lora === 'object' && lora !== null && 'rank' in lora && lora.rank !== null;
}

/**
 * Merges the layers, unchecked: what comes with the program (a preset; of a run that starts `from` a model, the settings of
 * fine-tuning), the file, single settings, and `overrides`.
 *
 * @throws ConfigError for an unreadable file, broken YAML, a malformed `--set`, a preset beside `from`
 */
export async function loadRawConfig(
  { preset, config, set = [] }: ConfigOptions,
  overrides: RawConfig = {},
): Promise<RawConfig> {
  const file = config === undefined ? {} : parseConfigText(await readConfigFile(config), config);
  const given = mergeConfigs(file, ...set.map((option) => parseSetOption(option)), overrides);
  const { from } = given;
  if (typeof from === 'string' && from !== '') {
    const own = { name: `${stemOf(from)}-tuned` };
    if (preset === undefined) return mergeConfigs(own, TUNING, trainsAdapter(given) ? ADAPTING : {}, given);
    throw new ConfigError(`config: a preset is a model of its own, got ${preset} beside from=${from}. Leave one out.`);
  }
  const base = preset !== undefined || config === undefined ? await loadPreset(preset ?? 'tiny') : {};
  return mergeConfigs(base, given);
}

/** The last part of a path or name, without the ending of a file. */
function stemOf(name: string): string {
  return basename(name).replace(/\.gguf$/i, '') || 'model';
}

async function readConfigFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`config: ${path} must be a readable YAML file, got ${error.code}. Check --config.`, { path });
  });
}
