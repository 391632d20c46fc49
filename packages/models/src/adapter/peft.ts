import { CheckpointError, readSafetensors, shown, writeSafetensors } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { HostParameter } from '../decoder/load-parameters.ts';
import { rotatedComponents } from '../decoder/rotation.ts';
import { familyOf } from '../io/hugging-face/model-family.ts';
import { isRotated, rotaryRows } from '../io/rows.ts';
import { type LoraConfig, loraSpecs } from './lora-config.ts';
import { fuseLowRank, type LowRank, shareA, splitLowRank } from './low-rank-parts.ts';
import type { AdapterValues } from './merge-adapter.ts';
import { type PeftMap, peftMaps, readablePeftMaps, targetModules } from './peft-maps.ts';

/** What PEFT puts before a stored name. */
const PREFIX = 'base_model.model.';
/** Key of our hash among the metadata of the weights, which PEFT passes over. */
const BASE_HASH = 'base_sha256';
/** Key beside it, where maps that are stored together are adapted apart: our targets. */
const OWN_TARGETS = 'moda_targets';

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
 * Maps that the family stores in one matrix (GPT-2, GPT-NeoX, Phi 3) are adapted together: with one A where they share it, else with
 * as many times the rank (`rank_pattern`, `alpha_pattern`).
 */
export async function writePeft(
  model: DecoderConfig,
  { config, parameters }: AdapterValues,
  { base, baseSha256 }: PeftOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const values = permuted(model, parameters, false);
  const maps = peftMaps(model);
  const partsOf = (map: PeftMap): (LowRank | null)[] => map.parts.map((part) => lowRankOf(values, part));
  const adapted = maps.filter((map) => partsOf(map).some((part) => part !== null));
  const apart = new Set(
    adapted.filter((map) => map.parts.length > 1 && !shareA(partsOf(map))).map((map) => map.inBlock),
  );
  const tensors: Record<string, { dtype: 'F32'; shape: readonly number[]; data: ArrayLike<number> }> = {};
  for (const map of adapted) {
    const { a, b } = fuseLowRank(partsOf(map), !apart.has(map.inBlock), map);
    tensors[`${PREFIX}${map.stored}.lora_A.weight`] = { dtype: 'F32', ...a };
    tensors[`${PREFIX}${map.stored}.lora_B.weight`] = { dtype: 'F32', ...b };
  }
  const targets = [...new Set([...values.keys()].map((name) => name.split('.').at(-3)!))];
  const metadata = {
    format: 'pt',
    ...(baseSha256 === null ? {} : { [BASE_HASH]: baseSha256 }),
    ...(apart.size === 0 ? {} : { [OWN_TARGETS]: targets.join() }),
  };
  const json = {
    auto_mapping: null,
    base_model_name_or_path: base,
    bias: 'none',
    // Of GPT-2's layers.
    fan_in_fan_out: familyOf(model) === 'gpt2',
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
    target_modules: targetModules(maps, new Set(adapted.map(({ inBlock }) => inBlock))),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: config.rankStabilized,
    ...patternsOf(config, maps, apart, targets),
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

function lowRankOf(parameters: ReadonlyMap<string, HostParameter>, map: string): LowRank | null {
  const [a, b] = ['A', 'B'].map((side) => parameters.get(`${map}.lora_${side}.weight`));
  return a && b ? { a, b } : null;
}

/** Which of the ranks of a stored map each of its parts has, where parts are adapted apart. */
function columnsOf({ parts }: PeftMap, targets: readonly string[]): (number | null)[] {
  let next = 0;
  return parts.map((part) => (targets.includes(part.slice(part.lastIndexOf('.') + 1)) ? next++ : null));
}

/** Ranks and alphas of maps whose parts are adapted apart; the factor of `B A` stays. */
function patternsOf(
  { rank, alpha, rankStabilized }: LoraConfig,
  maps: readonly PeftMap[],
  apart: ReadonlySet<string>,
  targets: readonly string[],
) {
  const ranks: Record<string, number> = {};
  const alphas: Record<string, number> = {};
  for (const map of maps.filter(({ inBlock }) => apart.has(inBlock))) {
    const count = columnsOf(map, targets).filter((column) => column !== null).length;
    ranks[map.inBlock] = rank * count;
    alphas[map.inBlock] = alpha * (rankStabilized ? Math.sqrt(count) : count);
  }
  return { rank_pattern: ranks, alpha_pattern: alphas };
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
  use_dora: [false, null, undefined],
  use_qalora: [false, null, undefined],
  lora_bias: [false, null, undefined],
};
/** Keys that must be empty: whole modules beside the maps, and, in files that are not ours, ranks of their own for some maps. */
const EMPTY = ['modules_to_save', 'target_parameters', 'trainable_token_indices'];
const PATTERNS = ['rank_pattern', 'alpha_pattern'];

/**
 * Reads an adapter in PEFT's files, for a model.
 *
 * @throws CheckpointError in one line with file, key and cure: for a file that is missing or damaged, an adapter of another kind, a map
 *   that the model does not have or has in another shape
 */
export function readPeft(model: DecoderConfig, files: ReadonlyMap<string, Uint8Array>): PeftAdapter {
  const json = parseConfig(files);
  const { tensors, metadata } = readSafetensors(fileOf(files, 'adapter_model.safetensors'));
  const maps = readablePeftMaps(model);
  const own = metadata[OWN_TARGETS]?.split(',') ?? [];
  // Only our own files say which ranks of a stored map are whose.
  if (own.length === 0) requireEmpty(json, PATTERNS);
  const ranks = Object.keys((json['rank_pattern'] ?? {}) as object);
  const targets = new Set<string>();
  const parameters = new Map<string, HostParameter>();
  const read = new Set<PeftMap>();
  for (const name of tensors.keys()) {
    const [, stored = ''] = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(name) ?? [];
    const map = maps.get(stored);
    if (map === undefined) {
      throw refused(
        `adapter_model.safetensors: ${name}`,
        'belong to a linear map of the model',
        shown(name),
        'Is it for another model?',
      );
    }
    if (read.has(map)) continue;
    read.add(map);
    const columns = ranks.includes(map.inBlock) ? columnsOf(map, own) : undefined;
    const parts = splitLowRank(storedLowRank(tensors, map, json['r'] as number, columns), map, columns);
    for (const [index, part] of parts.entries()) {
      if (part === null) continue;
      targets.add(map.parts[index]);
      parameters.set(`${map.parts[index]}.lora_A.weight`, part.a);
      parameters.set(`${map.parts[index]}.lora_B.weight`, part.b);
    }
  }
  const names = [...new Set([...targets].map((map) => map.slice(map.lastIndexOf('.') + 1)))];
  const config: LoraConfig = {
    rank: json['r'] as number,
    alpha: json['lora_alpha'] as number,
    targets: names,
    rankStabilized: json['use_rslora'] === true,
  };
  const patterns = patternsOf(config, [...read], new Set(ranks), own);
  for (const key of own.length > 0 ? PATTERNS : []) {
    const expected = patterns[key as keyof typeof patterns];
    if (saysSame(json[key] ?? {}, expected)) continue;
    throw refused(`adapter_config.json: ${key}`, `be ${JSON.stringify(expected)}`, JSON.stringify(json[key]));
  }
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

/** @throws CheckpointError for matrices that are missing or of another shape */
function storedLowRank(
  tensors: ReadonlyMap<string, HostParameter>,
  { stored, rows, inputs }: PeftMap,
  r: number,
  columns: readonly (number | null)[] | undefined,
): LowRank {
  const rank = r * (columns?.filter((column) => column !== null).length ?? 1);
  const outputs = rows.reduce((sum, count) => sum + count, 0);
  const [a, b] = [
    ['A', [rank, inputs]],
    ['B', [outputs, rank]],
  ].map(([side, shape]) => {
    const name = `${stored}.lora_${side}.weight`;
    const found = tensors.get(PREFIX + name);
    if (found?.shape.join() === shape.toString()) return found;
    throw refused(
      `adapter_model.safetensors: ${name}`,
      `be [${shape}]`,
      found ? `[${found.shape}]` : 'nothing',
      'Is it for another model?',
    );
  });
  return { a, b };
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
  requireEmpty(settings, EMPTY);
  const { r, lora_alpha: alpha } = settings;
  if (!Number.isSafeInteger(r) || (r as number) < 1) throw refused('adapter_config.json: r', 'be a rank', shown(r));
  if (typeof alpha !== 'number' || !(alpha > 0)) {
    throw refused('adapter_config.json: lora_alpha', 'be a number above 0', shown(alpha));
  }
  return settings;
}

function requireEmpty(settings: Readonly<Record<string, unknown>>, keys: readonly string[]): void {
  for (const key of keys) {
    const value = settings[key];
    if (value == null || (typeof value === 'object' && Object.keys(value).length === 0)) continue;
    throw refused(`adapter_config.json: ${key}`, 'be empty', shown(value), 'Merge it with PEFT.');
  }
}

function saysSame(given: unknown, expected: Readonly<Record<string, number>>): boolean {
  const entries = Object.entries(given as Record<string, unknown>);
  return entries.length === Object.keys(expected).length && entries.every(([key, value]) => expected[key] === value);
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw refused(name, 'be there', 'nothing', 'Is it an adapter of PEFT?');
  return bytes;
}

function refused(key: string, rule: string, got: string, cure = 'Was it edited?'): CheckpointError {
  return new CheckpointError(`adapter: ${key} must ${rule}, got ${got}. ${cure}`, { key });
}
