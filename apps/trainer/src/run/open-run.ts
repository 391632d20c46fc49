import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDecoder, type Decoder, type DecoderConfig, defineDecoderConfig } from '@modajs/models';
import { CheckpointError, ConfigError, type Device } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import {
  type Checkpoint,
  mergeConfigs,
  type RawConfig,
  type RunConfig,
  readCheckpoint,
  readLatestCheckpoint,
  resolveRunConfig,
  restoreTensors,
} from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { loadTokenizer } from './prepare-tokenizer.ts';
import { CONFIG_FILE } from './run-folder.ts';

/** Contents of a run's `config.json`. */
export interface SavedConfig {
  readonly run: RunConfig;
  readonly model: DecoderConfig;
}

/** Reads a run's configuration, with later settings on top. @throws ConfigError */
export async function readSavedConfig(folder: string, overrides: RawConfig = {}): Promise<SavedConfig> {
  const path = join(folder, CONFIG_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`run: ${path} must be readable, got ${error.code}. Is ${folder} a run?`, { path });
  });
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch {
    throw new ConfigError(`run: ${path} must be JSON, it is not. Was it edited?`, { path });
  }
  const { run, model } = isMapping(saved) ? saved : {};
  if (!isMapping(run) || !isMapping(model)) {
    throw new ConfigError(`run: ${path} must hold the settings "run" and "model", it does not. Is ${folder} a run?`, {
      path,
    });
  }
  return {
    // Settings that the version which wrote the file did not know have the value that it worked with.
    run: resolveRunConfig(mergeConfigs(run, overrides), path, 'earlier'),
    model: defineDecoderConfig(model as unknown as DecoderConfig),
  };
}

function isMapping(value: unknown): value is RawConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A trained model with what it needs to read and write text. */
export interface OpenedRun extends SavedConfig {
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer;
  /** Steps of training in the weights. */
  readonly step: number;
}

/** Which weights of a run to open. */
export interface OpenRunOptions {
  readonly device: Device;
  /** A step, or the newest whole checkpoint. */
  readonly step?: number;
  /** The moving average instead of the weights themselves. */
  readonly average?: boolean;
}

/**
 * Opens a run's model for generation or evaluation. The caller disposes of the decoder.
 *
 * @throws ConfigError, CheckpointError when there is no whole checkpoint or no average in it
 */
export async function openRun(folder: string, { device, step, average = false }: OpenRunOptions): Promise<OpenedRun> {
  const saved = await readSavedConfig(folder);
  const tokenizer = await loadTokenizer(join(folder, 'tokenizer.json'));
  const storage = new FolderStorage(folder);
  const onDamaged = ({ message }: CheckpointError): void => console.error(`warning: ${message}`);
  const checkpoint =
    step === undefined ? await readLatestCheckpoint(storage, { onDamaged }) : await readCheckpoint(storage, step);
  if (!checkpoint) {
    throw new CheckpointError(`checkpoint: ${folder} must hold a whole checkpoint, got none. Train it further first.`);
  }
  await requireTokenizerOf(checkpoint, folder);
  const file = average ? 'ema.safetensors' : 'model.safetensors';
  const weights = checkpoint.files[file];
  if (!weights) {
    throw new CheckpointError(
      `checkpoint: ${folder} must hold ${file}, it does not. Train with training.emaDecay set.`,
    );
  }
  const { dtype } = saved.run.training;
  const computeDtype = dtype === 'f16' && !device.supportsF16 ? 'f32' : dtype;
  const decoder = createDecoder(saved.model, { device, seed: saved.run.seed, computeDtype });
  try {
    restoreTensors(decoder.parameters(), weights, file);
  } catch (error) {
    decoder.dispose();
    throw error;
  }
  return { ...saved, decoder, tokenizer, step: checkpoint.state.step };
}

/** @throws CheckpointError when the run's `tokenizer.json` is not the one that its weights were trained with */
async function requireTokenizerOf({ identity }: Checkpoint, folder: string): Promise<void> {
  const path = join(folder, 'tokenizer.json');
  const found = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const saved = identity['tokenizer.sha256'];
  if (saved === undefined || saved === found) return;
  throw new CheckpointError(
    `checkpoint: ${path} must be the tokenizer that the weights were trained with, got another file. Put the first one back.`,
    { path },
  );
}
