import { createHash } from 'node:crypto';
import type { DecoderConfig } from '@modajs/models';
import type { Tokenizer } from '@modajs/tokenizer';
import { ownSpecialTokens, type RunConfig, type StudyInputs, sequenceLength, tokensInMemory } from '@modajs/train';
import { type PreparedData, prepareData, readSources } from '../run/prepare-data.ts';
import { loadTokenizer } from '../run/prepare-tokenizer.ts';

/** Data of many runs: in memory, with what identifies it. */
export interface StudyData {
  readonly tokenizer: Tokenizer;
  /** Text of the tokenizer's file. */
  readonly tokenizerJson: string;
  readonly data: PreparedData;
  /** SHA-256 of the tokenizer's file, of each source's tokens, and of the held-out tokens. */
  readonly hashes: { readonly tokenizer: string; readonly sources: readonly string[]; readonly heldOut: string };
}

const hashOf = (...parts: readonly (string | Int32Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(typeof part === 'string' ? part : new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return hash.digest('hex');
};

/** Reads a configuration's data once; token files are read into memory. @throws DataError, ConfigError */
export async function readStudyData(config: RunConfig): Promise<StudyData> {
  const tokenizer = await loadTokenizer(config.tokenizer.path!);
  const tokenizerJson = tokenizer.toJson();
  const {
    sources: opened,
    heldOut,
    separator,
    notes,
  } = await prepareData(
    await readSources(config),
    { tokenizer, special: ownSpecialTokens(tokenizer), chat: null },
    config,
    null,
  );
  const sources = [];
  const hashes = [];
  for (const { source, weight } of opened) {
    const tokens = await source.read(0, source.length);
    sources.push({ source: tokensInMemory(source.name, tokens), weight });
    hashes.push(hashOf(tokens));
  }
  // Sources of one folder share its files.
  for (const { source } of opened) await source.close?.();
  return {
    tokenizer,
    tokenizerJson,
    data: { sources, heldOut, separator, notes },
    hashes: {
      tokenizer: hashOf(tokenizerJson),
      sources: hashes,
      heldOut: hashOf(...heldOut.flatMap(({ name, tokens }) => [name, tokens])),
    },
  };
}

/** What a run's data is, for comparison with another's. */
export function inputsOf(config: RunConfig, model: DecoderConfig, { data, hashes }: StudyData): StudyInputs {
  const { seed, training } = config;
  const order = {
    seed,
    shuffle: config.data.shuffle,
    separator: data.separator,
    batchSize: training.batchSize,
    seqLen: sequenceLength(config, model),
    weights: data.sources.map(({ weight }) => weight),
    sources: hashes.sources,
  };
  const tokensPerStep = training.batchSize * order.seqLen;
  return {
    dataOrder: hashOf(JSON.stringify(order)),
    heldOut: hashes.heldOut,
    tokenizer: hashes.tokenizer,
    tokens: training.steps * tokensPerStep,
    tokensPerStep,
  };
}
