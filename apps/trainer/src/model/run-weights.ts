import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { CheckpointError } from '@modajs/tensor';
import { type Checkpoint, listCheckpoints, readCheckpoint, readLatestCheckpoint, readMetrics } from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { readTokenizerJson } from '../run/prepare-tokenizer.ts';

/** Which weights of a run are meant. */
export interface RunWeights {
  /** A step, or `best` of those that were evaluated; the newest whole checkpoint when left out. */
  readonly step?: number | 'best';
  /** The moving average instead of the weights themselves. */
  readonly average?: boolean;
}

/** A run's trained parameters, in safetensors, and what they are called. @throws CheckpointError */
export async function readRunWeights(
  folder: string,
  weights: RunWeights,
): Promise<{ readonly label: string; readonly bytes: Uint8Array }> {
  const checkpoint = await readWhole(folder, weights);
  const file = weights.average ? 'ema.safetensors' : 'model.safetensors';
  const bytes = checkpoint.files[file];
  if (!bytes)
    throw new CheckpointError(
      `checkpoint: ${folder} must hold ${file}, it does not. Train with training.emaDecay set.`,
    );
  return { label: `${basename(folder)}@${checkpoint.state.step}${weights.average ? '-average' : ''}`, bytes };
}

async function readWhole(folder: string, { step }: RunWeights): Promise<Checkpoint> {
  const storage = new FolderStorage(folder);
  const onDamaged = ({ message }: CheckpointError): void => console.error(`warning: ${message}`);
  const checkpoint =
    step === undefined
      ? await readLatestCheckpoint(storage, { onDamaged })
      : await readCheckpoint(storage, step === 'best' ? await bestStep(storage) : step);
  if (!checkpoint) {
    throw new CheckpointError(`checkpoint: ${folder} must hold a whole checkpoint, got none. Train it further first.`);
  }
  await requireTokenizerOf(checkpoint, folder);
  return checkpoint;
}

/** The checkpoint whose held-out loss was lowest. @throws CheckpointError when none was evaluated */
async function bestStep(storage: FolderStorage): Promise<number> {
  const saved = new Set(await listCheckpoints(storage));
  const evaluated = (await readMetrics(storage)).flatMap(({ step, heldOutLoss }) =>
    saved.has(step) && Number.isFinite(heldOutLoss) ? [{ step, loss: heldOutLoss as number }] : [],
  );
  if (evaluated.length > 0) return evaluated.reduce((best, one) => (one.loss < best.loss ? one : best)).step;
  throw new CheckpointError(
    `checkpoint: ${storage.location} must hold a checkpoint of an evaluated step, got none. Set checkpoint.every to a multiple of evaluation.every, or name a step.`,
  );
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
