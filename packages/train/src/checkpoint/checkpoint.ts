import { CheckpointError } from '@modajs/tensor';
import type { SequencePosition } from '../data/sequence-order.ts';
import type { DilocoState } from '../distributed/diloco/diloco.ts';
import type { LossScaleState } from '../optim/loss-scaler.ts';
import type { SpikeGuardState } from '../run/spike-guard.ts';
import type { StepOutcome } from '../run/step-outcome.ts';
import type { RunFiles } from '../storage/run-files.ts';
import type { RunStorage } from '../storage/run-storage.ts';
import type { RunIdentity } from './run-identity.ts';
import { sha256 } from './sha256.ts';

/** Version of the layout written here. */
const FORMAT = 1;
const STATE_FILE = 'state.json';

/** Everything beside tensors that a run needs to go on bit for bit. */
export interface TrainingState {
  /** Optimiser steps done. */
  readonly step: number;
  /** Steps that changed the weights: the AdamW step count. */
  readonly optimizerSteps: number;
  /** Those of parameters that had a gradient in fewer of them; absent in checkpoints of earlier releases, and where there are none. */
  readonly laggingSteps?: Readonly<Record<string, number>>;
  readonly position: SequencePosition;
  readonly lossScale: LossScaleState;
  readonly guard: SpikeGuardState;
  /** The last steps, whose numbers the loss scale and the guard have not seen yet. */
  readonly unsettled: readonly StepOutcome[];
  /** Steps that the schedule is laid out for; unknown in checkpoints of version 0.0.0. */
  readonly plannedSteps?: number;
  /** Lowest held-out loss so far and its step; null before the first evaluation. */
  readonly best: { readonly step: number; readonly heldOutLoss: number } | null;
  /** With `training.sync: diloco`: the exchange, and the states of the ranks above 0 that took part, by rank. */
  readonly diloco?: DilocoState & { readonly others: Readonly<Record<string, RankTrainingState>> };
}

/** What each rank has of its own where ranks step alone. */
export type RankTrainingState = Pick<
  TrainingState,
  'optimizerSteps' | 'laggingSteps' | 'lossScale' | 'guard' | 'unsettled'
>;

/** A checkpoint's contents. */
export interface Checkpoint {
  readonly state: TrainingState;
  /** What must not change across a resume. */
  readonly identity: RunIdentity;
  /** Package versions and device that wrote it. */
  readonly writtenBy: Readonly<Record<string, string>>;
  /** Safetensors files by name: `model.safetensors`, `optimizer.safetensors`, `ema.safetensors`; with `training.gradientCoding: int8` `residuals.safetensors`; with diloco `outer.safetensors` and, for each rank above 0, `rank-1.safetensors`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

interface StateFile {
  readonly format: number;
  readonly state: TrainingState;
  readonly identity: RunIdentity;
  readonly writtenBy: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** `checkpoints/step-00001500`: sorts by step. */
export function checkpointFolder(step: number): string {
  return `checkpoints/step-${String(step).padStart(8, '0')}`;
}

/** Steps of the checkpoints in a run, ascending; damaged ones are listed too. */
export async function listCheckpoints(storage: RunFiles): Promise<number[]> {
  const names = await storage.list('checkpoints');
  return names.flatMap((name) => {
    const match = /^step-(\d+)$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
}

/** Writes a checkpoint whole or not at all. @throws StorageFullError; what was saved before is intact */
export async function writeCheckpoint(storage: RunStorage, checkpoint: Checkpoint): Promise<void> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const [name, bytes] of Object.entries(checkpoint.files)) {
    files[name] = { bytes: bytes.length, sha256: await sha256(bytes) };
  }
  const { state, identity, writtenBy } = checkpoint;
  const content: StateFile = { format: FORMAT, state, identity, writtenBy, files };
  const text = JSON.stringify(content, null, 2);
  const signed = JSON.stringify({ sha256: await sha256(new TextEncoder().encode(text)), content: text });
  await storage.writeFolder(checkpointFolder(state.step), { ...checkpoint.files, [STATE_FILE]: signed });
}

/** A checkpoint whose files are missing, cut short or altered. */
export class DamagedCheckpointError extends CheckpointError {
  override readonly name: string = 'DamagedCheckpointError';
}

/**
 * Reads a checkpoint and verifies every byte.
 *
 * @throws DamagedCheckpointError for a missing, shortened or altered file; CheckpointError for one that cannot be read for
 *   another reason, and for a format that this version does not know
 */
export async function readCheckpoint(storage: RunFiles, step: number): Promise<Checkpoint> {
  const folder = checkpointFolder(step);
  const content = await readStateFile(storage, folder);
  if (content.state.step !== step) throw damaged(folder, `${STATE_FILE} is of step ${content.state.step}`);
  const files: Record<string, Uint8Array> = {};
  for (const [name, expected] of Object.entries(content.files)) {
    const bytes = await readFile(storage, folder, name);
    if (bytes.length !== expected.bytes) {
      throw damaged(folder, `${name} must hold ${expected.bytes} B, got ${bytes.length}`);
    }
    if ((await sha256(bytes)) !== expected.sha256) throw damaged(folder, `${name} does not match its checksum`);
    files[name] = bytes;
  }
  const { state, identity, writtenBy } = content;
  return { state, identity, writtenBy, files };
}

/** Which checkpoints count, and who hears of damaged ones. */
export interface LatestCheckpointOptions {
  /** Told about each newer checkpoint that was passed over. */
  readonly onDamaged?: (error: DamagedCheckpointError) => void;
  /** Later ones are not looked at. */
  readonly upTo?: number;
}

/**
 * The newest checkpoint that is whole; null when the run has none at all. Damaged ones are passed over.
 *
 * @throws CheckpointError when there are checkpoints and none is whole; for one that cannot be read (permissions, a failing
 *   disk) or is of a newer format: going on from an older one would throw its steps away
 */
export async function readLatestCheckpoint(
  storage: RunFiles,
  { onDamaged = () => {}, upTo = Infinity }: LatestCheckpointOptions = {},
): Promise<Checkpoint | null> {
  const steps = (await listCheckpoints(storage)).filter((step) => step <= upTo);
  const reasons: string[] = [];
  for (const step of steps.reverse()) {
    try {
      return await readCheckpoint(storage, step);
    } catch (error) {
      if (!(error instanceof DamagedCheckpointError)) throw error;
      reasons.push(error.message);
      onDamaged(error);
    }
  }
  if (reasons.length === 0) return null;
  throw new CheckpointError(
    `checkpoint: ${storage.location} must hold a whole checkpoint, got ${reasons.length} damaged: ${reasons.join(' ')} ` +
      'Restore one from a backup, or start a run of another name.',
    { steps },
  );
}

/**
 * Removes checkpoints before `step` but the newest `keepLast` and the best one. Those known to be whole count first, so
 * that a damaged one is never kept in place of a good one; what lies after `step` does not count and is left alone.
 */
export async function pruneCheckpoints(
  storage: RunStorage,
  { step, keepLast, best, whole }: PruneOptions,
): Promise<void> {
  const steps = (await listCheckpoints(storage)).filter((candidate) => candidate <= step).reverse();
  const ranked = [...steps.filter((one) => whole.has(one)), ...steps.filter((one) => !whole.has(one))];
  for (const candidate of ranked.slice(keepLast)) {
    if (candidate !== best) await storage.remove(checkpointFolder(candidate));
  }
}

/** What `pruneCheckpoints` keeps. */
export interface PruneOptions {
  /** Step of the checkpoint that was saved last. */
  readonly step: number;
  readonly keepLast: number;
  /** Step of the best checkpoint, or null. */
  readonly best: number | null;
  /** Steps of checkpoints that this run wrote or read. */
  readonly whole: ReadonlySet<number>;
}

async function readStateFile(storage: RunFiles, folder: string): Promise<StateFile> {
  const bytes = await readFile(storage, folder, STATE_FILE);
  const signed = parseJson(new TextDecoder().decode(bytes));
  const outer = isRecord(signed) ? signed['format'] : undefined;
  if (typeof outer === 'number' && outer > FORMAT) throw ofAnotherFormat(folder, outer);
  if (!isRecord(signed) || typeof signed['content'] !== 'string')
    throw damaged(folder, `${STATE_FILE} is not readable`);
  if ((await sha256(new TextEncoder().encode(signed['content']))) !== signed['sha256']) {
    throw damaged(folder, `${STATE_FILE} does not match its checksum`);
  }
  const content = parseJson(signed['content']);
  const format = isRecord(content) ? content['format'] : undefined;
  if (typeof format === 'number' && format !== FORMAT) throw ofAnotherFormat(folder, format);
  if (isStateFile(content)) return content;
  throw damaged(folder, `${STATE_FILE} does not say what a checkpoint must`);
}

async function readFile(storage: RunFiles, folder: string, name: string): Promise<Uint8Array> {
  try {
    return await storage.read(`${folder}/${name}`);
  } catch (error) {
    const isMissing = error instanceof CheckpointError && error.details['code'] === 'ENOENT';
    // Where there is no folder there is no checkpoint, damaged or whole.
    if (isMissing && (await storage.exists(folder))) {
      throw damaged(folder, `${name} is missing`);
    }
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What this version relies on; the checksum has vouched for the rest. */
function isStateFile(content: unknown): content is StateFile {
  if (
    !isRecord(content) ||
    content['format'] !== FORMAT ||
    !isFlat(content['identity']) ||
    !isFlat(content['writtenBy'])
  )
    return false;
  const { state, files } = content;
  if (!isRecord(state) || !isRecord(files)) return false;
  const { position, lossScale, guard, unsettled, best, plannedSteps = 1 } = state;
  const isState =
    [state['step'], state['optimizerSteps'], plannedSteps].every(isCount) &&
    [position, lossScale, guard].every(isRecord) &&
    Array.isArray(unsettled) &&
    unsettled.every(isRecord) &&
    (best === null || isRecord(best));
  return isState && Object.entries(files).every(([name, file]) => /^[\w.-]+$/.test(name) && isFileFacts(file));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isFileFacts(value: unknown): boolean {
  return isRecord(value) && isCount(value['bytes']) && typeof value['sha256'] === 'string';
}

/** Whether a value is a mapping to numbers, texts, switches and nulls. */
function isFlat(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((entry) => entry === null || typeof entry !== 'object');
}

function ofAnotherFormat(folder: string, format: number): CheckpointError {
  return new CheckpointError(
    `checkpoint: ${folder} must have format ${FORMAT}, got ${format}. Use the version of moda that wrote it, or a newer one.`,
    { folder, format },
  );
}

function damaged(folder: string, what: string): DamagedCheckpointError {
  return new DamagedCheckpointError(`checkpoint: ${folder} is damaged: ${what}. Resume from an earlier one.`, {
    folder,
  });
}
