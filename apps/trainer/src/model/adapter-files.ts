import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type AdapterValues, type DecoderConfig, type HostParameter, readPeft } from '@modajs/models';
import { CheckpointError, ConfigError, readSafetensors } from '@modajs/tensor';
import { loraConfigOf } from '@modajs/train';
import { runFolder } from '../run/run-folder.ts';
import { readSavedConfig } from '../run/saved-config.ts';
import { isHuggingFaceFolder } from './hugging-face-model.ts';
import { type RunWeights, readRunWeights } from './run-weights.ts';

/** An adapter's values, and the model that they were trained on. */
export interface SourcedAdapter extends AdapterValues {
  /** As the user named it. */
  readonly name: string;
  /** The model it is for, as it was named; empty for unknown. */
  readonly base: string;
  /** SHA-256 of that model's parameters; null for unknown. */
  readonly baseSha256: string | null;
}

const FILES = ['adapter_config.json', 'adapter_model.safetensors'];

/** Whether a folder holds an adapter in PEFT's files. */
export async function isPeftFolder(folder: string): Promise<boolean> {
  return (await stat(join(folder, FILES[0])).catch(() => null)) !== null;
}

/** The name of the model that an adapter in PEFT's files is for. @throws CheckpointError */
export async function peftBase(folder: string): Promise<string> {
  const path = join(folder, FILES[0]);
  let base: unknown;
  try {
    base = JSON.parse(await readFile(path, 'utf8'))['base_model_name_or_path'];
  } catch (error) {
    throw new CheckpointError(`${path}: the file must be JSON: ${(error as Error).message}. Download it again.`, {
      path,
    });
  }
  if (typeof base === 'string' && base !== '') return base;
  throw new CheckpointError(
    `${path}: base_model_name_or_path must name a model, got ${JSON.stringify(base)}. Name the model and use --adapter ${folder}.`,
    { path },
  );
}

/** An adapter in PEFT's files. @throws CheckpointError in one line with file, key and cure */
export async function readPeftFolder(folder: string, model: DecoderConfig): Promise<SourcedAdapter> {
  const files = new Map<string, Uint8Array>();
  for (const name of FILES) {
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes !== null) files.set(name, bytes);
  }
  try {
    return { name: folder, ...readPeft(model, files) };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${folder}: ${error.message}`, error.details);
  }
}

/** The adapter that a run trained; null for a run that trained all weights. @throws CheckpointError */
export async function readRunAdapter(folder: string, weights: RunWeights): Promise<SourcedAdapter | null> {
  const { run, origin } = await readSavedConfig(folder);
  const config = loraConfigOf(run);
  if (config === null || origin === null) return null;
  const { tensors } = readSafetensors((await readRunWeights(folder, weights)).bytes);
  const parameters = new Map<string, HostParameter>(tensors);
  return { name: basename(folder), config, parameters, base: origin.name, baseSha256: origin.sha256 };
}

/**
 * An adapter by name: a folder of PEFT's files, or a run that trained one.
 *
 * @throws ConfigError when there is no adapter of that name; CheckpointError when it is not whole, or not for the model
 */
export async function openAdapter(name: string, out: string, model: DecoderConfig): Promise<SourcedAdapter> {
  if (await isPeftFolder(name)) return readPeftFolder(name, model);
  // A model's folder has a config.json as a run's has.
  const run = (await isHuggingFaceFolder(name)) ? null : await runFolder(out, name);
  const adapter = run === null ? null : await readRunAdapter(run, {});
  if (adapter !== null) return adapter;
  throw new ConfigError(
    `adapter: ${name} must be a folder with adapter_config.json or a run trained with --lora, it is not. Check --adapter.`,
    { name },
  );
}

/** @throws CheckpointError when an adapter was trained on a model with other weights */
export function requireBase({ name, base, baseSha256 }: SourcedAdapter, model: string, sha256: string): void {
  if (baseSha256 === null || baseSha256 === sha256) return;
  throw new CheckpointError(
    `adapter: ${name} must be used on the model it was trained on, ${base || 'another one'} (${baseSha256.slice(0, 12)}), got ${model} ` +
      `(${sha256.slice(0, 12)}). Use it with that model.`,
    { name, base, baseSha256, sha256 },
  );
}
