import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { CheckpointError, readSafetensors } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import { type Checkpoint, readCheckpoint, readLatestCheckpoint } from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { readTokenizerJson } from '../run/prepare-tokenizer.ts';
import { readSavedConfig } from '../run/saved-config.ts';
import { heldParameters } from './hugging-face-model.ts';
import type { ModelSource } from './model-source.ts';
import { ownSpecialTokens } from './special-tokens.ts';

/** Which weights of a run are meant. */
export interface RunWeights {
  /** A step, or the newest whole checkpoint. */
  readonly step?: number;
  /** The moving average instead of the weights themselves. */
  readonly average?: boolean;
}

/** A run's model. Its weights are looked for when they are asked for. @throws ConfigError when the folder is no run */
export async function openRunModel(folder: string, weights: RunWeights = {}): Promise<ModelSource> {
  const { run, model, origin } = await readSavedConfig(folder);
  return {
    name: basename(folder),
    config: model,
    facts: {},
    prefersF16: run.training.dtype === 'f16',
    text: async () => {
      const tokenizerJson = await readTokenizerJson(join(folder, 'tokenizer.json'));
      const tokenizer = Tokenizer.fromJson(tokenizerJson);
      return { tokenizer, tokenizerJson, special: origin?.special ?? ownSpecialTokens(tokenizer) };
    },
    values: async () => {
      const checkpoint = await readWeights(folder, weights);
      const file = weights.average ? 'ema.safetensors' : 'model.safetensors';
      const bytes = checkpoint.files[file];
      if (!bytes)
        throw new CheckpointError(
          `checkpoint: ${folder} must hold ${file}, it does not. Train with training.emaDecay set.`,
        );
      const label = `${basename(folder)}@${checkpoint.state.step}${weights.average ? '-average' : ''}`;
      return { label, parameters: heldParameters(readSafetensors(bytes).tensors) };
    },
    close: async () => {},
  };
}

async function readWeights(folder: string, { step }: RunWeights): Promise<Checkpoint> {
  const storage = new FolderStorage(folder);
  const onDamaged = ({ message }: CheckpointError): void => console.error(`warning: ${message}`);
  const checkpoint =
    step === undefined ? await readLatestCheckpoint(storage, { onDamaged }) : await readCheckpoint(storage, step);
  if (!checkpoint) {
    throw new CheckpointError(`checkpoint: ${folder} must hold a whole checkpoint, got none. Train it further first.`);
  }
  await requireTokenizerOf(checkpoint, folder);
  return checkpoint;
}

/** @throws CheckpointError when the run's `tokenizer.json` is not the one that its weights were trained with */
async function requireTokenizerOf({ identity }: Checkpoint, folder: string): Promise<void> {
  const path = join(folder, 'tokenizer.json');
  const found = createHash('sha256')
    .update(await readTokenizerJson(path))
    .digest('hex');
  const saved = identity['tokenizer.sha256'];
  if (saved === undefined || saved === found) return;
  throw new CheckpointError(
    `checkpoint: ${path} must be the tokenizer that the weights were trained with, got another file. Put the first one back.`,
    { path },
  );
}
