import type { Decoder } from '@modajs/models';
import type { CheckpointError, Device } from '@modajs/tensor';
import {
  type Checkpoint,
  measurePeakFlops,
  type RunConfig,
  type RunListener,
  type RunSummary,
  readLatestCheckpoint,
  requireSameIdentity,
  runIdentityOf,
  StorageFullError,
  TrainingRun,
  TrainingStoppedError,
  truncateMetrics,
} from '@modajs/train';
import type { FolderStorage } from '@modajs/train/node';
import { inspectRun } from './inspect-run.ts';
import { type PreparedData, prepareData } from './prepare-data.ts';
import { type PreparedRun, requireRoom } from './prepare-run.ts';
import type { Ranks } from './ranks.ts';
import { CONFIG_FILE } from './run-folder.ts';
import { TaskEvaluation } from './task-evaluation.ts';
import { VERSIONS } from './versions.ts';

/** Who watches a run, and who takes part. */
export interface TrainingParties {
  readonly listener: RunListener;
  readonly signal?: AbortSignal;
  readonly ranks?: Ranks;
}

/**
 * Trains a prepared run in its folder, from its newest whole checkpoint when it has one.
 *
 * @throws CheckpointError when the folder's checkpoint is of another configuration; nothing is written then
 */
export async function trainPrepared(
  prepared: PreparedRun,
  decoder: Decoder,
  storage: FolderStorage,
  { listener, signal, ranks }: TrainingParties,
): Promise<RunSummary> {
  const together: Ranks['together'] = ranks ? (work) => ranks.together(work) : async (work) => work();
  const { config, model } = prepared;
  const { data, tasks, identity, resumeFrom } = await together(() => readInputs(prepared, storage, listener, ranks));
  await ranks?.requireAgreement({ ...identity, ...sizesOf(data), step: resumeFrom?.state.step ?? 0 });
  const ownPeak = await together(() => peakOf(config, decoder.device));
  const peakFlops = ranks ? await ranks.sum(ownPeak) : ownPeak;
  const run = await together(
    () =>
      new TrainingRun({
        config,
        model: decoder,
        T: model.seqLen,
        ...data,
        storage,
        identity,
        writtenBy: { ...VERSIONS, device: decoder.device.toString() },
        collective: ranks?.collective,
        resumeFrom,
        flopsPerToken: decoder.countFlops(model.seqLen).total / model.seqLen,
        peakFlops,
        inspect: inspectRun(prepared, decoder, data, tasks, storage),
        listener,
        signal,
      }),
  );
  try {
    await together(() => (ranks?.isFirst === false ? undefined : writeInputs(prepared, storage)));
    const ending = await run.run().catch(endingOfAllRanks);
    return await together(() => {
      if (ending instanceof Error) throw ending;
      return ending;
    });
  } finally {
    run.dispose();
    for (const { source } of data.sources) await source.close?.();
  }
}

async function readInputs(prepared: PreparedRun, storage: FolderStorage, listener: RunListener, ranks?: Ranks) {
  const { config, model, tokenizer, sources } = prepared;
  const data = await prepareData(sources, tokenizer, config);
  const tasks = await TaskEvaluation.open(config);
  const identity = await runIdentityOf(config, model, tokenizer.toJson());
  const resumeFrom = prepared.resumes ? await lastCheckpoint(storage, listener, ranks) : null;
  // Before anything is written: a refused resume leaves the run as it was.
  if (resumeFrom) requireSameIdentity(resumeFrom.identity, identity);
  return { data, tasks, identity, resumeFrom };
}

/** Room for a checkpoint is made sure of first. */
async function writeInputs(prepared: PreparedRun, storage: FolderStorage): Promise<void> {
  const { config, model, tokenizer } = prepared;
  await requireRoom(storage, prepared);
  await storage.write(CONFIG_FILE, `${JSON.stringify({ run: config, model }, null, 2)}\n`);
  await storage.write('tokenizer.json', tokenizer.toJson());
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
async function lastCheckpoint(
  storage: FolderStorage,
  listener: RunListener,
  ranks: Ranks | undefined,
): Promise<Checkpoint | null> {
  const isFirst = ranks?.isFirst ?? true;
  if (isFirst) {
    await storage.removeUnfinished('checkpoints');
    await storage.removeUnfinished('');
  }
  const warn = (error: CheckpointError): void => listener({ kind: 'warning', message: error.message });
  const checkpoint = await readLatestCheckpoint(storage, warn);
  if (!checkpoint && isFirst) await truncateMetrics(storage, 0);
  return checkpoint;
}
