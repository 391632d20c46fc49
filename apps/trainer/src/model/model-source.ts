import {
  createDecoder,
  type Decoder,
  type DecoderConfig,
  LoraAdapter,
  mergeAdapters,
  type StoredBlocks,
  type StoredParameter,
} from '@modajs/models';
import type { Device } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import type { ChatTemplateSource } from '@modajs/tokenizer/chat';
import type { SpecialTokens } from '@modajs/train';
import { requireBase, type SourcedAdapter } from './adapter-files.ts';
import { hashParameters } from './hash-parameters.ts';

/** How a model reads and writes text. */
export interface ModelText {
  readonly tokenizer: Tokenizer;
  /** `tokenizer.json`, as it is kept. */
  readonly tokenizerJson: string;
  readonly special: SpecialTokens;
  /** How conversations are written; null where the model does not say. */
  readonly chat: ChatTemplateSource | null;
}

/** Values of a model's parameters. */
export interface ModelValues {
  /** What results call the model: with the step of a run. */
  readonly label: string;
  /** By our names, read when asked for, while the source is open. */
  readonly parameters: ReadonlyMap<string, StoredParameter>;
}

/** A trained model that a name stands for: a run, a folder of Hugging Face's files, a repository of the hub, a GGUF file. */
export interface ModelSource {
  readonly name: string;
  readonly config: DecoderConfig;
  /** What else its files say, for people. */
  readonly facts: Readonly<Record<string, string>>;
  /** The model that it was trained from, as it was named; null for none, or unknown. */
  readonly origin: string | null;
  /** Whether its file has matrices in blocks that may stay so (`StoredParameter.quantized`). */
  readonly hasBlocks: boolean;
  /** Whether it computes in f16 where the device can. */
  readonly prefersF16: boolean;
  /** @throws CheckpointError, TokenizerError when there is no tokenizer, or not the one of the weights */
  text(): Promise<ModelText>;
  /** Without what its adapters add. @throws CheckpointError */
  values(): Promise<ModelValues>;
  /** What is added to the values. @throws CheckpointError */
  adapters(): Promise<readonly SourcedAdapter[]>;
  close(): Promise<void>;
}

/** A model on a device, with its text side. */
export interface LoadedModel extends ModelText {
  readonly name: string;
  readonly decoder: Decoder;
}

/**
 * Puts a model on a device, one tensor in memory at a time where its file allows that, with its adapters attached. The caller
 * disposes of the decoder.
 *
 * @param more adapters beside those that the model has
 * @param keepQuantized matrices that lie in the file in Q8_0 or Q4_0 stay so in memory: for generation
 * @throws CheckpointError when an adapter is for a model with other weights
 */
export async function loadModel(
  source: ModelSource,
  device: Device,
  more: readonly SourcedAdapter[] = [],
  keepQuantized = false,
): Promise<LoadedModel> {
  const { config } = source;
  const text = await source.text();
  const { label, parameters } = await source.values();
  const adapters = [...(await source.adapters()), ...more];
  const computeDtype = source.prefersF16 && device.supportsF16 ? 'f16' : 'f32';
  const quantized = keepQuantized ? quantizedFormats(parameters) : undefined;
  const decoder = createDecoder(config, { device, computeDtype, quantized, isFrozen: keepQuantized });
  try {
    if (adapters.length === 0) await decoder.readParameters(parameters);
    else {
      const hashed = hashParameters(parameters);
      await decoder.readParameters(hashed.parameters);
      const sha256 = hashed.sha256();
      for (const adapter of adapters) requireBase(adapter, source.name, sha256);
    }
    for (const adapter of adapters) {
      const attached = new LoraAdapter(config, adapter.config, { device, computeDtype });
      decoder.attach(...decoder.adapters, attached);
      attached.loadParameters(adapter.parameters);
    }
  } catch (error) {
    decoder.dispose();
    throw error;
  }
  return { name: label, decoder, ...text };
}

/** Matrices that may stay as they are stored, by name. */
export function quantizedFormats(
  parameters: ReadonlyMap<string, StoredParameter>,
): ReadonlyMap<string, StoredBlocks['format']> {
  return new Map([...parameters].flatMap(([name, { quantized }]) => (quantized ? [[name, quantized.format]] : [])));
}

/** A model's values with its adapters added to the weights. */
export interface MergedValues extends ModelValues {
  /** To be called when all was read. @throws CheckpointError when an adapter is for a model with other weights */
  requireBases(): void;
}

/** As `ModelSource.values`, with the adapters' additions. */
export async function mergedValues(source: ModelSource): Promise<MergedValues> {
  const { label, parameters } = await source.values();
  const adapters = await source.adapters();
  if (adapters.length === 0) return { label, parameters, requireBases: () => {} };
  const hashed = hashParameters(parameters);
  return {
    label,
    parameters: mergeAdapters(hashed.parameters, adapters),
    requireBases: () => {
      const sha256 = hashed.sha256();
      for (const adapter of adapters) requireBase(adapter, source.name, sha256);
    },
  };
}
