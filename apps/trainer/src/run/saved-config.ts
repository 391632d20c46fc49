import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DecoderConfig, defineDecoderConfig } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import { mergeConfigs, type RawConfig, type RunConfig, resolveRunConfig } from '@modajs/train';
import type { SpecialTokens } from '../model/special-tokens.ts';
import { CONFIG_FILE } from './run-folder.ts';

/** The model that a run started from. */
export interface Origin {
  /** As it was named. */
  readonly name: string;
  /** SHA-256 of its parameters, names and f32 values in order. */
  readonly sha256: string;
  readonly special: SpecialTokens;
}

/** Contents of a run's `config.json`. */
export interface SavedConfig {
  readonly run: RunConfig;
  readonly model: DecoderConfig;
  /** Null for a run that started from random weights. */
  readonly origin: Origin | null;
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
  const { run, model, origin = null } = isMapping(saved) ? saved : {};
  if (!isMapping(run) || !isMapping(model)) {
    throw new ConfigError(`run: ${path} must hold the settings "run" and "model", it does not. Is ${folder} a run?`, {
      path,
    });
  }
  return {
    // Settings that the version which wrote the file did not know have the value that it worked with.
    run: resolveRunConfig(mergeConfigs(run, overrides), path, 'earlier'),
    model: defineDecoderConfig(model as unknown as DecoderConfig),
    origin: origin as Origin | null,
  };
}

function isMapping(value: unknown): value is RawConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
