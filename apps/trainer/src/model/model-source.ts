import type { Decoder, DecoderConfig, StoredParameter } from '@modajs/models';
import { createDecoder } from '@modajs/models';
import type { Device } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import type { SpecialTokens } from './special-tokens.ts';

/** How a model reads and writes text. */
export interface ModelText {
  readonly tokenizer: Tokenizer;
  /** `tokenizer.json`, as it is kept. */
  readonly tokenizerJson: string;
  readonly special: SpecialTokens;
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
  /** Whether it computes in f16 where the device can. */
  readonly prefersF16: boolean;
  /** @throws CheckpointError, TokenizerError when there is no tokenizer, or not the one of the weights */
  text(): Promise<ModelText>;
  /** @throws CheckpointError */
  values(): Promise<ModelValues>;
  close(): Promise<void>;
}

/** A model on a device, with its text side. */
export interface LoadedModel extends ModelText {
  readonly name: string;
  readonly decoder: Decoder;
}

/** Puts a model on a device, one tensor in memory at a time where its file allows that. The caller disposes of the decoder. */
export async function loadModel(source: ModelSource, device: Device): Promise<LoadedModel> {
  const text = await source.text();
  const { label, parameters } = await source.values();
  const computeDtype = source.prefersF16 && device.supportsF16 ? 'f16' : 'f32';
  const decoder = createDecoder(source.config, { device, computeDtype });
  try {
    await decoder.readParameters(parameters);
  } catch (error) {
    decoder.dispose();
    throw error;
  }
  return { name: label, decoder, ...text };
}
