import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { countParameters, createDecoder, type Decoder, type DecoderConfig } from '@modajs/models';
import { type Device, elementBytes } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import { prepareModelConfig, type RunConfig, type RunStorage, type SplitSource, StorageFullError } from '@modajs/train';
import { bytes, compact } from '../terminal/format.ts';
import { readSavedConfig } from './open-run.ts';
import { readSources } from './prepare-data.ts';
import { prepareTokenizer, readTokenizerJson } from './prepare-tokenizer.ts';
import { runName } from './run-folder.ts';

/** Everything that is known before the first step. */
export interface PreparedRun {
  readonly config: RunConfig;
  readonly model: DecoderConfig;
  readonly tokenizer: Tokenizer;
  /** The file that the run keeps of it. */
  readonly tokenizerJson: string;
  readonly sources: readonly SplitSource[];
  readonly folder: string;
  /** Whether the folder holds this run already. */
  readonly resumes: boolean;
}

/**
 * Reads the data, gets the tokenizer and completes the model's configuration. Writes nothing. A run that goes on keeps its
 * tokenizer's file, byte by byte, and its model, whatever this version would make of the same settings.
 */
export async function prepareRun(config: RunConfig, folder: string, resumes: boolean): Promise<PreparedRun> {
  const sources = await readSources(config);
  const base = { config, sources, folder, resumes };
  if (!resumes) {
    const tokenizer = await prepareTokenizer(config, sources);
    const isGiven = config.tokenizer.path !== null || sources.length < config.data.sources.length;
    const model = prepareModelConfig(config, tokenizer.vocabSize, { isGiven });
    return { ...base, model, tokenizer, tokenizerJson: tokenizer.toJson() };
  }
  const tokenizerJson = await readTokenizerJson(join(folder, 'tokenizer.json'));
  const tokenizer = Tokenizer.fromJson(tokenizerJson);
  const saved = await readSavedConfig(folder);
  const isSame = isDeepStrictEqual(saved.run.model, config.model);
  const model = isSame ? saved.model : prepareModelConfig(config, tokenizer.vocabSize);
  return { ...base, model, tokenizer, tokenizerJson };
}

/** The run's model with fresh weights. */
export function createModel({ config, model }: PreparedRun, device: Device): Decoder {
  return createDecoder(model, { device, seed: config.seed, computeDtype: config.training.dtype });
}

/** @throws StorageFullError when the disk has no room for one checkpoint */
export async function requireRoom(
  storage: Pick<RunStorage, 'location' | 'freeBytes'>,
  { model, config }: Pick<PreparedRun, 'model' | 'config'>,
): Promise<void> {
  const tensors = config.training.emaDecay === null ? 3 : 4;
  const needed = countParameters(model) * elementBytes('f32') * tensors;
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
  const { config, model, sources, tokenizer, folder, resumes } = prepared;
  const { training } = config;
  for (const { name, split } of sources) {
    console.log(
      `data       ${name}: ${compact(split.trainBytes)}B to train on, ${compact(split.heldOutBytes)}B held out`,
    );
  }
  console.log(`tokenizer  byte-level BPE, ${tokenizer.vocabSize} tokens`);
  console.log(
    `model      ${compact(countParameters(model))} parameters, ${model.nLayers} blocks of width ${model.dModel}, depth: ${model.depth}`,
  );
  console.log(`device     ${device}${ranks === 1 ? '' : ` on each of ${ranks} ranks`}`);
  console.log(
    `training   ${training.steps} steps of ${training.batchSize} x ${model.seqLen} tokens, ${training.dtype}, seed ${config.seed}`,
  );
  console.log(`run        ${folder}${resumes ? ' (resuming)' : ''} as ${runName(folder)}\n`);
}
