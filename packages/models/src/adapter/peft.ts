import { CheckpointError, readSafetensors, shown, writeSafetensors } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { HostParameter } from '../decoder/load-parameters.ts';
import { rotatedComponents } from '../decoder/rotation.ts';
import { familyNames, familyOf } from '../io/hugging-face/model-family.ts';
import { storedMap } from '../io/names/stored-names.ts';
import { isRotated, rotaryRows } from '../io/rows.ts';
import { adaptableMaps, type LoraConfig, loraSpecs } from './lora-config.ts';
import type { AdapterValues } from './merge-adapter.ts';

/** What PEFT puts before a stored name. */
const PREFIX = 'base_model.model.';
/** Key of our hash among the metadata of the weights, which PEFT passes over. */
const BASE_HASH = 'base_sha256';

/** Options of `writePeft`. */
export interface PeftOptions {
  /** `base_model_name_or_path`. */
  readonly base: string;
  /** SHA-256 of the base model's parameters; null for unknown. */
  readonly baseSha256: string | null;
}

/** An adapter in PEFT's files. */
export interface PeftAdapter extends AdapterValues, PeftOptions {}

/**
 * An adapter as PEFT keeps it: `adapter_config.json` and `adapter_model.safetensors`, read back and compared before they are given out.
 *
 * @throws CheckpointError where the model's family stores an adapted map together with others (GPT-2, GPT-NeoX, Phi 3)
 */
export async function writePeft(
  model: DecoderConfig,
  { config, parameters }: AdapterValues,
  { base, baseSha256 }: PeftOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const tensors: Record<string, { dtype: 'F32'; shape: readonly number[]; data: ArrayLike<number> }> = {};
  for (const [name, value] of permuted(model, parameters, false)) {
    const [, map, side] = /^(.+)\.(lora_[AB]\.weight)$/.exec(name)!;
    tensors[`${PREFIX}${storedNameOf(model, map)}.${side}`] = { dtype: 'F32', ...value };
  }
  const metadata = { format: 'pt', ...(baseSha256 === null ? {} : { [BASE_HASH]: baseSha256 }) };
  const json = {
    auto_mapping: null,
    base_model_name_or_path: base,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: config.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: config.rank,
    revision: null,
    target_modules: [...new Set(Object.keys(tensors).map((name) => name.split('.').at(-3)!))],
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: config.rankStabilized,
  };
  const files = new Map([
    ['adapter_config.json', new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`)],
    ['adapter_model.safetensors', await writeSafetensors(tensors, metadata)],
  ]);
  const back = readPeft(model, files);
  for (const [name, { data }] of parameters) {
    const at = back.parameters.get(name)?.data.findIndex((value, i) => value !== data[i]) ?? 0;
    if (at < 0) continue;
    throw new CheckpointError(
      `export: ${name}[${at}] must come back as ${data[at]}. The file would not hold this adapter.`,
    );
  }
  return files;
}

function storedNameOf(model: DecoderConfig, map: string): string {
  const family = familyOf(model);
  const stored = family === null ? map : storedMap(familyNames(family), model, map);
  if (stored !== null) return stored;
  throw new CheckpointError(
    `export: ${map} must be a map of its own for PEFT, but ${family} stores it together with others, or permuted. Merge the adapter instead.`,
    { map, family },
  );
}

/** Rows of B of rotated maps, between our order and Hugging Face's. */
function permuted(
  model: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  toOurs: boolean,
): ReadonlyMap<string, HostParameter> {
  if (!model.ropeInterleaved || model.positions !== 'rope') return parameters;
  return new Map(
    [...parameters].map(([name, value]) => {
      const isTurned = name.endsWith('.lora_B.weight') && isRotated(name.replace('.lora_B.weight', '.weight'));
      return [name, isTurned ? rotaryRows(value, model.headDim, toOurs, rotatedComponents(model)) : value];
    }),
  );
}

/** Keys of `adapter_config.json` that would change what an adapter computes, and what they must be here. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ['LORA'],
  bias: ['none'],
  fan_in_fan_out: [false, null, undefined],
  use_dora: [false, null, undefined],
  use_qalora: [false, null, undefined],
  lora_bias: [false, null, undefined],
};
/** Keys that must be empty: values of their own for some maps, whole modules beside them. */
const EMPTY = ['modules_to_save', 'rank_pattern', 'alpha_pattern', 'target_parameters', 'trainable_token_indices'];

/**
 * Reads an adapter in PEFT's files, for a model.
 *
 * @throws CheckpointError in one line with file, key and cure: for a file that is missing or damaged, an adapter of another kind, a map
 *   that the model does not have or has in another shape
 */
export function readPeft(model: DecoderConfig, files: ReadonlyMap<string, Uint8Array>): PeftAdapter {
  const json = parseConfig(files);
  const { tensors, metadata } = readSafetensors(fileOf(files, 'adapter_model.safetensors'));
  const maps = new Map([...adaptableMaps(model).keys()].flatMap((map) => named(model, map)));
  const targets = new Set<string>();
  const parameters = new Map<string, HostParameter>();
  for (const [name, tensor] of tensors) {
    const [, stored = '', side = ''] = /^base_model\.model\.(.+)\.(lora_[AB])\.weight$/.exec(name) ?? [];
    const map = maps.get(stored);
    if (map === undefined) {
      throw refused(
        `adapter_model.safetensors: ${name}`,
        'belong to a linear map of the model',
        shown(name),
        'Is it for another model?',
      );
    }
    targets.add(map);
    parameters.set(`${map}.${side}.weight`, { shape: tensor.shape, data: tensor.data });
  }
  const names = [...new Set([...targets].map((map) => map.slice(map.lastIndexOf('.') + 1)))];
  const config: LoraConfig = {
    rank: json['r'] as number,
    alpha: json['lora_alpha'] as number,
    targets: names,
    rankStabilized: json['use_rslora'] === true,
  };
  for (const [name, { shape }] of Object.entries(loraSpecs(model, config))) {
    const found = parameters.get(name)?.shape;
    if (found?.join() === shape.join()) continue;
    const cure = 'Is it for another model, or for some of its layers only?';
    throw refused(`adapter_model.safetensors: ${name}`, `be [${shape}]`, found ? `[${found}]` : 'nothing', cure);
  }
  return {
    config,
    parameters: permuted(model, parameters, true),
    base: String(json['base_model_name_or_path'] ?? ''),
    baseSha256: metadata[BASE_HASH] ?? null,
  };
}

/** The stored name of a map and our own; nothing where the family does not store it alone. */
function named(model: DecoderConfig, map: string): [string, string][] {
  const family = familyOf(model);
  const stored = family === null ? map : storedMap(familyNames(family), model, map);
  return stored === null ? [] : [[stored, map]];
}

/** The checked settings of an adapter. @throws CheckpointError */
function parseConfig(files: ReadonlyMap<string, Uint8Array>): Readonly<Record<string, unknown>> {
  const text = new TextDecoder().decode(fileOf(files, 'adapter_config.json'));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refused('adapter_config.json', 'be JSON', (error as Error).message, 'Download it again.');
  }
  if (typeof json !== 'object' || json === null) throw refused('adapter_config.json', 'hold settings', shown(json));
  const settings = json as Record<string, unknown>;
  for (const [key, allowed] of Object.entries(FIXED)) {
    if (allowed.includes(settings[key])) continue;
    throw refused(
      `adapter_config.json: ${key}`,
      `be ${shown(allowed[0])}`,
      shown(settings[key]),
      'Merge it with PEFT.',
    );
  }
  for (const key of EMPTY) {
    const value = settings[key];
    if (value == null || (typeof value === 'object' && Object.keys(value).length === 0)) continue;
    throw refused(`adapter_config.json: ${key}`, 'be empty', shown(value), 'Merge it with PEFT.');
  }
  const { r, lora_alpha: alpha } = settings;
  if (!Number.isSafeInteger(r) || (r as number) < 1) throw refused('adapter_config.json: r', 'be a rank', shown(r));
  if (typeof alpha !== 'number' || !(alpha > 0)) {
    throw refused('adapter_config.json: lora_alpha', 'be a number above 0', shown(alpha));
  }
  return settings;
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw refused(name, 'be there', 'nothing', 'Is it an adapter of PEFT?');
  return bytes;
}

function refused(key: string, rule: string, got: string, cure = 'Was it edited?'): CheckpointError {
  return new CheckpointError(`adapter: ${key} must ${rule}, got ${got}. ${cure}`, { key });
}
