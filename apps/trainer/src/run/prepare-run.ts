import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  countParameters,
  countSpecs,
  createDecoder,
  type Decoder,
  type DecoderConfig,
  LoraAdapter,
} from '@modajs/models';
import { CheckpointError, ConfigError, type Device, elementBytes } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import type { ChatTemplateSource } from '@modajs/tokenizer/chat';
import {
  adoptParameters,
  listCheckpoints,
  loraConfigOf,
  type Origin,
  ownSpecialTokens,
  prepareModelConfig,
  type RunConfig,
  type RunStorage,
  type SpecialTokens,
  type SplitSource,
  StorageFullError,
  sequenceLength,
  trainedSpecs,
  tunedModelConfig,
} from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { hashParameters } from '../model/hash-parameters.ts';
import { type ModelSource, mergedValues, quantizedFormats } from '../model/model-source.ts';
import { openModelSource } from '../model/open-model-source.ts';
import { bytes, compact } from '../terminal/format.ts';
import { readRunChat, readTemplateFile } from './chat-file.ts';
import { readSources } from './prepare-data.ts';
import { prepareTokenizer, readTokenizerJson } from './prepare-tokenizer.ts';
import { runName } from './run-folder.ts';
import { readSavedConfig } from './saved-config.ts';

/** Everything that is known before the first step. */
export interface PreparedRun {
  readonly config: RunConfig;
  readonly model: DecoderConfig;
  readonly tokenizer: Tokenizer;
  /** The file that the run keeps of it. */
  readonly tokenizerJson: string;
  readonly special: SpecialTokens;
  /** How conversations are written; null where nobody says. */
  readonly chat: ChatTemplateSource | null;
  readonly sources: readonly SplitSource[];
  readonly folder: string;
  /** Whether the folder holds this run already. */
  readonly resumes: boolean;
  /** The model it started from; null for random weights. Its hash is known when a decoder was made. */
  readonly origin: Origin | null;
}

/**
 * Reads the data, gets the tokenizer and completes the model's configuration. Writes nothing. A run that goes on keeps its
 * tokenizer's file, byte by byte, and its model, whatever this version would make of the same settings.
 *
 * @param out where runs are kept, one of which `from` may name
 */
export async function prepareRun(
  config: RunConfig,
  folder: string,
  { resumes, out }: { readonly resumes: boolean; readonly out: string },
): Promise<PreparedRun> {
  const sources = await readSources(config);
  const base = { config, sources, folder, resumes };
  if (resumes) return { ...base, ...(await savedModel(config, folder)) };
  if (config.from !== null) return { ...base, ...(await pretrainedModel(config, config.from, out)) };
  const tokenizer = await prepareTokenizer(config, sources);
  const isGiven = config.tokenizer.path !== null || sources.length < config.data.sources.length;
  const model = prepareModelConfig(config, tokenizer.vocabSize, { isGiven });
  const special = ownSpecialTokens(tokenizer);
  const text = { tokenizer, tokenizerJson: tokenizer.toJson(), special };
  return { ...base, model, ...text, chat: await chatOf(config, text, null), origin: null };
}

type ModelOfRun = Pick<PreparedRun, 'config' | 'model' | 'tokenizer' | 'tokenizerJson' | 'special' | 'chat' | 'origin'>;

/** The template that the configuration names, with the model's special tokens; else the model's own. @throws ConfigError */
async function chatOf(
  { data }: RunConfig,
  { tokenizer, special }: Pick<PreparedRun, 'tokenizer' | 'special'>,
  own: ChatTemplateSource | null,
): Promise<ChatTemplateSource | null> {
  if (data.chatTemplate === null) return own;
  const tokens: Record<string, string> = { ...own?.tokens };
  for (const [name, id] of [
    ['bos_token', special.begin],
    ['eos_token', special.end.at(0)],
  ] as const) {
    const token = id == null ? undefined : tokenizer.tokenOf(id);
    if (token !== undefined) tokens[name] ??= token;
  }
  return readTemplateFile(data.chatTemplate, tokens);
}

async function savedModel(config: RunConfig, folder: string): Promise<ModelOfRun> {
  const tokenizerJson = await readTokenizerJson(join(folder, 'tokenizer.json'));
  const tokenizer = Tokenizer.fromJson(tokenizerJson);
  const { run, model: saved, origin } = await readSavedConfig(folder);
  const special = origin?.special ?? ownSpecialTokens(tokenizer);
  const text = { config, tokenizer, tokenizerJson, special, chat: await readRunChat(folder), origin };
  if (isDeepStrictEqual(run.model, config.model)) return { ...text, model: saved };
  if (origin === null) return { ...text, model: prepareModelConfig(config, tokenizer.vocabSize) };
  throw new ConfigError(
    `train: a run that started from ${origin.name} must go on with its model, got other model settings. Leave them out.`,
    { from: origin.name },
  );
}

/** Sequences of a model that was trained on longer ones: what a small machine can hold. */
export const TUNING_LENGTH = 512;

async function pretrainedModel(config: RunConfig, from: string, out: string): Promise<ModelOfRun> {
  if (config.tokenizer.path !== null) {
    const { path } = config.tokenizer;
    throw new ConfigError(
      `config: tokenizer.path must be left out where from names a model, got ${path}. It has its own.`,
    );
  }
  const source = await openModelSource(from, { out });
  try {
    const model = tunedModelConfig(source.config, config);
    if (config.lora.rank !== null && model.depth.kind !== source.config.depth.kind) {
      throw new ConfigError(
        `config: lora must leave the model as it is, got model.depth=${model.depth.kind}, which adds parameters. Train all weights, or leave it out.`,
      );
    }
    trainedSpecs(config, model);
    const seqLen = config.training.seqLen ?? Math.min(TUNING_LENGTH, model.seqLen);
    const { tokenizerJson, special, chat } = await source.text();
    // As the run will read it from its own file.
    const read = { tokenizer: Tokenizer.fromJson(tokenizerJson), tokenizerJson, special };
    const text = { ...read, chat: await chatOf(config, read, chat) };
    const named = { ...config, training: { ...config.training, seqLen } };
    const blocks = await blocksOf(source, config);
    return { config: named, model, ...text, origin: { name: from, sha256: '', special, ...blocks } };
  } finally {
    await source.close();
  }
}

/** Matrices that stay in blocks under an adapter. What another adapter was added to is widened. */
async function blocksOf(source: ModelSource, config: RunConfig): Promise<Pick<Origin, 'quantized'>> {
  if (config.lora.rank === null || !source.hasBlocks) return {};
  const { parameters } = await mergedValues(source);
  return { quantized: Object.fromEntries(quantizedFormats(parameters)) };
}

/** The run's model with fresh weights; where the run trains an adapter frozen, in blocks as its file, with a fresh adapter. */
export function createModel(
  { config, model, origin }: Pick<PreparedRun, 'config' | 'model' | 'origin'>,
  device: Device,
): Decoder {
  const { seed, training } = config;
  const { dtype: computeDtype } = training;
  const lora = loraConfigOf(config);
  if (lora === null) return createDecoder(model, { device, seed, computeDtype });
  // Weights that never change need no f32 master.
  const quantized = new Map(Object.entries(origin?.quantized ?? {}));
  const decoder = createDecoder(model, { device, seed, dtype: computeDtype, isFrozen: true, quantized });
  decoder.attach(new LoraAdapter(model, lora, { device, seed, computeDtype }));
  return decoder;
}

/**
 * Gives a fresh model the weights that its run starts from; nothing where there are none, or where a checkpoint will replace them.
 *
 * @returns the run, with the hash of the weights
 * @throws CheckpointError when a run that goes on finds other weights than it started from
 */
export async function startFrom(prepared: PreparedRun, decoder: Decoder, out: string): Promise<PreparedRun> {
  const { origin, resumes, folder } = prepared;
  if (origin === null) return prepared;
  const isSaved = resumes && (await listCheckpoints(new FolderStorage(folder))).length > 0;
  if (isSaved && decoder.adapters.length === 0) return prepared;
  const source = await openModelSource(origin.name, { out });
  try {
    const values = await mergedValues(source);
    const { parameters, sha256 } = hashParameters(values.parameters);
    await adoptParameters(decoder, parameters);
    values.requireBases();
    const found = sha256();
    if (!resumes || found === origin.sha256) return { ...prepared, origin: { ...origin, sha256: found } };
  } finally {
    await source.close();
  }
  throw new CheckpointError(
    `train: ${origin.name} must be the model that the run started from, got other weights. Put it back, or start a run of another name.`,
    { from: origin.name },
  );
}

/** @throws StorageFullError when the disk has no room for one checkpoint */
export async function requireRoom(
  storage: Pick<RunStorage, 'location' | 'freeBytes'>,
  { model, config }: Pick<PreparedRun, 'model' | 'config'>,
): Promise<void> {
  const tensors = config.training.emaDecay === null ? 3 : 4;
  const needed = countSpecs(trainedSpecs(config, model)) * elementBytes('f32') * tensors;
  const free = await storage.freeBytes();
  if (free !== null && free < needed) {
    throw new StorageFullError(
      `storage: a checkpoint needs ${bytes(needed)}, ${storage.location} has ${bytes(free)} free. ` +
        'Free space or choose another --out.',
      { needed, free },
    );
  }
}

/** Says what is about to run. */
export function printHeader(prepared: PreparedRun, device: Device, ranks = 1): void {
  const { config, model, sources, tokenizer, folder, resumes, origin } = prepared;
  const { training } = config;
  for (const { name, split } of sources) {
    console.log(
      `data       ${name}: ${compact(split.trainBytes)}B to train on, ${compact(split.heldOutBytes)}B held out`,
    );
  }
  if (origin !== null) console.log(`from       ${origin.name}`);
  console.log(`tokenizer  ${origin === null ? 'byte-level BPE, ' : ''}${tokenizer.vocabSize} tokens`);
  console.log(
    `model      ${compact(countParameters(model))} parameters, ${model.nLayers} blocks of width ${model.dModel}, depth: ${model.depth.kind}`,
  );
  if (config.lora.rank !== null) {
    const trained = countSpecs(trainedSpecs(config, model));
    const share = ((100 * trained) / countParameters(model)).toFixed(2);
    console.log(
      `adapter    ${compact(trained)} parameters, ${share} % of the model's: ${config.lora.targets.join(', ')}`,
    );
    const formats = Object.values(origin?.quantized ?? {});
    if (formats.length > 0) {
      console.log(`in blocks  ${formats.length} matrices stay in ${[...new Set(formats)].join(', ')}`);
    }
  }
  console.log(`device     ${device}${ranks === 1 ? '' : ` on each of ${ranks} ranks`}`);
  console.log(
    `training   ${training.steps} steps of ${training.batchSize} x ${sequenceLength(config, model)} tokens, ${training.dtype}, seed ${config.seed}`,
  );
  console.log(`run        ${folder}${resumes ? ' (resuming)' : ''} as ${runName(folder)}\n`);
}
