import { type DecoderConfig, defineDecoderConfig } from '@modajs/models';
import { ConfigError, type QuantizedMatrix } from '@modajs/tensor';
import { mergeConfigs, type RawConfig } from '../config/resolve-config.ts';
import { type RunConfig, resolveRunConfig } from '../config/run-config.ts';
import type { SpecialTokens } from './special-tokens.ts';

/** The model that a run started from. */
export interface Origin {
  /** As it was named. */
  readonly name: string;
  /** SHA-256 of its parameters, names and f32 values in order. */
  readonly sha256: string;
  readonly special: SpecialTokens;
  /** Its matrices that stay in blocks, as its file has them, while an adapter is trained; absent for none. */
  readonly quantized?: Readonly<Record<string, QuantizedMatrix['format']>>;
}

/** Contents of a run's `config.json`. */
export interface SavedConfig {
  readonly run: RunConfig;
  readonly model: DecoderConfig;
  /** Null for a run that started from random weights. */
  readonly origin: Origin | null;
}

/**
 * The text of a run's `config.json`, with later settings on top.
 *
 * @param path in error messages
 * @throws ConfigError
 */
export function parseSavedConfig(text: string, path: string, overrides: RawConfig = {}): SavedConfig {
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch {
    throw new ConfigError(`run: ${path} must be JSON, it is not. Was it edited?`, { path });
  }
  const { run, model, origin = null } = isMapping(saved) ? saved : {};
  if (!isMapping(run) || !isMapping(model)) {
    throw new ConfigError(`run: ${path} must hold the settings "run" and "model", it does not. Is its folder a run?`, {
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
