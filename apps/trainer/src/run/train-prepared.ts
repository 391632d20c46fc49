import { type Decoder, trainedModel } from '@modajs/models';
import type { Device } from '@modajs/tensor';
import {
  type Checkpoint,
  measurePeakFlops,
  type RunConfig,
  type RunListener,
  type RunSummary,
  readLatestCheckpoint,
  requireResumable,
  runIdentityOf,
  StorageFullError,
  sequenceLength,
  TrainingRun,
  TrainingStoppedError,
} from '@modajs/train';
import type { FolderStorage, PathLock } from '@modajs/train/node';
import { CHAT_FILE, chatJson } from './chat-file.ts';
import { inspectRun } from './inspect-run.ts';
import { type PreparedData, prepareData } from './prepare-data.ts';
import { type PreparedRun, requireRoom } from './prepare-run.ts';
import type { Ranks } from './ranks.ts';
import { CONFIG_FILE, lockRun } from './run-folder.ts';
import { readSavedConfig } from './saved-config.ts';
import { TaskEvaluation } from './task-evaluation.ts';
import { VERSIONS } from './versions.ts';

/** Who watches a run, and who takes part. */
export interface TrainingParties {
  readonly listener: RunListener;
  readonly signal?: AbortSignal;
  readonly ranks?: Ranks;
  /** The right to write to the run's folder; taken while training goes on when the caller does not hold it. */
  readonly lock?: PathLock | null;
  /** Go on although the configuration's schedule is not the checkpoint's. */
  readonly acceptsSchedule?: boolean;
  /** The run's data, prepared already; it stays open. */
  readonly data?: PreparedData;
}

/**
 * Trains a prepared run in its folder, from its newest whole checkpoint when it has one.
 *
 * @throws CheckpointError when the folder's checkpoint is of another configuration; nothing is written then
 * @throws LockedError when another process works on the run
 */
export async function trainPrepared(
  prepared: PreparedRun,
  decoder: Decoder,
  storage: FolderStorage,
  parties: TrainingParties,
): Promise<RunSummary> {
  if (parties.lock !== undefined) return trainLocked(prepared, decoder, storage, parties);
  await using lock = await lockRun(prepared.folder);
  return await trainLocked(prepared, decoder, storage, { ...parties, lock });
}

async function trainLocked(
  prepared: PreparedRun,
  decoder: Decoder,
  storage: FolderStorage,
  parties: TrainingParties,
): Promise<RunSummary> {
  const { listener, signal, ranks, acceptsSchedule } = parties;
  const together: Ranks['together'] = ranks ? (work) => ranks.together(work) : async (work) => work();
  const { config, model } = prepared;
  const T = sequenceLength(config, model);
  const { data, tasks, identity, resumeFrom } = await together(() => readInputs(prepared, storage, parties));
  await ranks?.requireAgreement({ ...identity, ...sizesOf(data), step: resumeFrom?.state.step ?? 0 });
  const ownPeak = await together(() => peakOf(config, decoder.device));
  const peakFlops = ranks ? await ranks.sum(ownPeak) : ownPeak;
  const run = await together(
    () =>
      new TrainingRun({
        config,
        model: trainedModel(decoder),
        T,
        ...data,
        storage,
        identity,
        writtenBy: { ...VERSIONS, device: decoder.device.toString() },
        collective: ranks?.collective,
        resumeFrom,
        acceptsSchedule,
        flopsPerToken: (decoder.countFlops(T).total / T) * backwardShare(config),
        peakFlops,
        inspect: inspectRun(prepared, decoder, data, tasks, storage),
        listener,
        signal,
      }),
  );
  try {
    await together(() => (ranks?.isFirst === false ? undefined : writeInputs(prepared, storage)));
    if (config.training.sync === 'diloco') return await trainApart(run, ranks);
    const ending = await run.run().catch(endingOfAllRanks);
    return await together(() => {
      if (ending instanceof Error) throw ending;
      return ending;
    });
  } finally {
    run.dispose();
    if (!parties.data) for (const { source } of data.sources) await source.close?.();
  }
}

/** Ranks that step alone: what one of them meets is its own affair, and a rank may be missing at the end. */
async function trainApart(run: TrainingRun, ranks: Ranks | undefined): Promise<RunSummary> {
  ranks?.part();
  const summary = await run.run();
  if (summary.absentRanks.length === 0) ranks?.meet();
  return summary;
}

/** A step counts as three forward passes; one that makes no gradients of weights, but for an adapter's, as two. */
function backwardShare({ lora }: RunConfig): number {
  return lora.rank === null ? 1 : 2 / 3;
}

async function readInputs(prepared: PreparedRun, storage: FolderStorage, parties: TrainingParties) {
  const { config, model, tokenizerJson, sources, origin } = prepared;
  const data = parties.data ?? (await prepareData(sources, prepared, config, sequenceLength(config, model)));
  for (const message of data.notes) parties.listener({ kind: 'warning', message });
  const tasks = await TaskEvaluation.open(config);
  const identity = await runIdentityOf(config, model, tokenizerJson, origin);
  const resumeFrom = prepared.resumes ? await lastCheckpoint(storage, parties) : null;
  // Before anything is written: a refused resume leaves the run as it was.
  if (resumeFrom) requireResumable(resumeFrom, { config, identity, acceptsSchedule: parties.acceptsSchedule });
  return { data, tasks, identity, resumeFrom };
}

/** Room for a checkpoint is made sure of first. A run that saves none is never opened again and needs no tokenizer. */
async function writeInputs(prepared: PreparedRun, storage: FolderStorage): Promise<void> {
  const { config, model, tokenizerJson, origin, chat } = prepared;
  const saves = config.checkpoint.every !== null;
  if (saves) await requireRoom(storage, prepared);
  await storage.removeUnfinished('checkpoints');
  await storage.removeUnfinished('');
  const saved = origin === null ? { run: config, model } : { run: config, model, origin };
  await storage.write(CONFIG_FILE, `${JSON.stringify(saved, null, 2)}\n`);
  if (saves) await storage.write('tokenizer.json', tokenizerJson);
  if (saves && chat !== null) await storage.write(CHAT_FILE, chatJson(chat));
}

/** Tokens by source: ranks that read other files must not train together. */
function sizesOf({ sources }: PreparedData): Record<string, number> {
  return Object.fromEntries(sources.map(({ source }, i) => [`data.tokens.${i}`, source.length]));
}

/** FLOP/s that count as full utilisation of this rank's device: of the configuration, or measured. */
async function peakOf({ logging, training }: RunConfig, device: Device): Promise<number> {
  return logging.peakFlops ?? measurePeakFlops(device, training.dtype);
}

/** Errors that a run ends with on all ranks at the same step; any other is one rank's own. */
function endingOfAllRanks(error: unknown): Error {
  if (error instanceof TrainingStoppedError || error instanceof StorageFullError) return error;
  throw error;
}

/** The newest whole checkpoint; a run that was killed before its first one starts over in its folder. */
async function lastCheckpoint(storage: FolderStorage, { listener }: TrainingParties): Promise<Checkpoint | null> {
  const warn = (message: string): void => listener({ kind: 'warning', message });
  const checkpoint = await readLatestCheckpoint(storage, { onDamaged: ({ message }) => warn(message) });
  if (checkpoint === null) {
    warn(`train: ${storage.location} has no checkpoint yet; the run starts at its first step.`);
    return null;
  }
  // Checkpoints of version 0.0.0 do not say how many steps the run was to take; its configuration does.
  const plannedSteps = checkpoint.state.plannedSteps ?? (await readSavedConfig(storage.location)).run.training.steps;
  return { ...checkpoint, state: { ...checkpoint.state, plannedSteps } };
}
