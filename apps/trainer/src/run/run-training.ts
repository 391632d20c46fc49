import type { Decoder } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import {
  broadcastJson,
  mergeConfigs,
  parseSetOption,
  type RawConfig,
  type RunConfig,
  requireDivisibleBatch,
  resolveRunConfig,
} from '@modajs/train';
import { FolderStorage, localRankOf, mpiEnvironment, type PathLock, startLocalRanks } from '@modajs/train/node';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { duration } from '../terminal/format.ts';
import { Progress } from '../terminal/progress.ts';
import { doubtsAbout } from './check-plan.ts';
import { printDryRun } from './dry-run.ts';
import { finishRun } from './finish-run.ts';
import { loadRawConfig } from './load-config.ts';
import { plainLora } from './lora-settings.ts';
import { openDevice } from './open-device.ts';
import { createModel, type PreparedRun, prepareRun, printHeader, startFrom } from './prepare-run.ts';
import { Ranks } from './ranks.ts';
import { claimRunFolder, findRunFolder, lockRun, newestRunFolder, newRunFolder, requireRunName } from './run-folder.ts';
import { readSavedConfig } from './saved-config.ts';
import { type TrainingParties, trainPrepared } from './train-prepared.ts';
import { VERSIONS } from './versions.ts';

/** Options of `moda train` as the command line gives them. */
export interface TrainCommandOptions {
  readonly from?: string;
  readonly lora?: RawConfig | true;
  readonly preset?: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly device?: string;
  readonly threads?: number;
  readonly steps?: number;
  readonly lr?: number;
  readonly batchSize?: number;
  readonly seed?: number;
  readonly name?: string;
  readonly out: string;
  readonly resume?: string | true;
  readonly dryRun?: boolean;
  readonly newSchedule?: boolean;
  readonly ranks?: number;
}

/** Trains as the options say: prepares, runs, reports. With `--ranks` or under `mpirun` on all ranks together. */
export async function runTraining(data: readonly string[], options: TrainCommandOptions): Promise<void> {
  if (options.ranks !== undefined && localRankOf() === null) {
    const job = mpiEnvironment(process.env);
    if (job !== null) {
      throw new ConfigError(
        `train: --ranks starts ranks of its own, got ${options.ranks} in a job of ${job.size} that mpirun started. Leave one of them out.`,
        { ranks: options.ranks, size: job.size },
      );
    }
    if (options.ranks > 1) {
      process.exitCode = await startLocalRanks(options.ranks, [
        process.execPath,
        ...process.execArgv,
        ...process.argv.slice(1),
      ]);
      return;
    }
  }
  const ranks = await Ranks.join();
  await ranks.run(() => trainOnRanks(data, options, ranks));
}

async function trainOnRanks(data: readonly string[], options: TrainCommandOptions, ranks: Ranks): Promise<void> {
  const { config, folder, lock } = await agreeOnRun(data, options, ranks);
  try {
    const prepared = await ranks.together(() =>
      prepareRun(config, folder, { resumes: options.resume !== undefined, out: options.out }),
    );
    if (options.dryRun) return await printDryRun(prepared, ranks);
    const device = await ranks.together(() => openDevice(config, ranks.collective));
    try {
      using decoder = await ranks.together(() => createModel(prepared, device));
      const started = await ranks.together(() => startFrom(prepared, decoder, options.out));
      if (ranks.isFirst) printHeader(started, device, ranks.size);
      await trainAndReport(started, decoder, options.out, {
        ranks,
        lock,
        acceptsSchedule: options.newSchedule ?? false,
      });
    } finally {
      device.destroy();
    }
  } finally {
    await lock?.release();
  }
}

async function trainAndReport(
  prepared: PreparedRun,
  decoder: Decoder,
  out: string,
  { ranks, ...rights }: { readonly ranks: Ranks } & Pick<TrainingParties, 'lock' | 'acceptsSchedule'>,
): Promise<void> {
  // mpirun gives its ranks a terminal of its own, whatever its output is.
  const output =
    ranks.size === 1 ? process.stdout : { isTTY: false, write: (text: string) => process.stdout.write(text) };
  const progress = new Progress(output);
  const say = (text: string): void => {
    if (ranks.isFirst) progress.line(text);
  };
  if (ranks.isFirst && !prepared.resumes) {
    for (const doubt of doubtsAbout(prepared.config, prepared.model, prepared.tokenizer.vocabSize))
      progress.warn(doubt);
  }
  const storage = new FolderStorage(prepared.folder);
  const signal = interruptSignal(() => say('finishing the step and saving; Ctrl-C again quits at once'));
  const listener = ranks.isFirst ? progress.listener : () => {};
  const startedAt = performance.now();
  const summary = await trainPrepared(prepared, decoder, storage, { listener, signal, ranks, ...rights });
  const trainedMs = performance.now() - startedAt;
  say(`trained ${summary.step} steps in ${duration(trainedMs)}`);
  if (summary.interrupted || !ranks.isFirst) return;
  await finishRun(prepared, decoder, summary, storage, { given: process.argv.slice(3), out, trainedMs, output });
}

/** What is trained, where, and the right to write there; only the first rank holds it. */
interface AgreedRun {
  readonly config: RunConfig;
  readonly folder: string;
  readonly lock: PathLock | null;
}

/** The first rank names and locks the folder: the others could see it appear and take the next name. */
async function agreeOnRun(data: readonly string[], options: TrainCommandOptions, ranks: Ranks): Promise<AgreedRun> {
  let lock: PathLock | null = null;
  try {
    const { config, folder } = await ranks.together(async () => {
      const found = options.resume === undefined ? null : await folderToResume(options);
      if (found !== null && ranks.isFirst && !options.dryRun) lock = await lockRun(found);
      const read = await readConfig(data, options, found);
      requireDivisibleBatch(read, ranks.size);
      if (found !== null || !ranks.isFirst) return { config: read, folder: found ?? '' };
      if (options.dryRun) return { config: read, folder: await newRunFolder(options.out, read.name) };
      const claimed = await claimRunFolder(options.out, read.name);
      lock = claimed.lock;
      return { config: read, folder: claimed.folder };
    });
    await ranks.requireAgreement({ version: VERSIONS, ...config });
    return { config, folder: ranks.collective ? await broadcastJson(ranks.collective, folder) : folder, lock };
  } catch (error) {
    await (lock as PathLock | null)?.release();
    throw error;
  }
}

/** @param resumed folder of the run that goes on, or null */
async function readConfig(
  data: readonly string[],
  options: TrainCommandOptions,
  resumed: string | null,
): Promise<RunConfig> {
  const overrides = shortOptions(data, options);
  if (resumed === null) return resolveRunConfig(await loadRawConfig(options, overrides));
  if (options.from !== undefined) {
    throw new ConfigError(
      `train: --resume goes on with the run's own model, got --from ${options.from}. Leave it out.`,
    );
  }
  const settings = mergeConfigs(...options.set.map((option) => parseSetOption(option)), overrides);
  return (await readSavedConfig(resumed, settings)).run;
}

/** Options that stand for single settings. */
function shortOptions(data: readonly string[], options: TrainCommandOptions): RawConfig {
  const { from, lora, device, threads, steps, lr, batchSize, seed, name } = options;
  return mergeConfigs(
    from === undefined ? {} : { from },
    lora === undefined ? {} : { lora: lora === true ? plainLora : lora },
    device === undefined ? {} : { device },
    threads === undefined ? {} : { threads },
    steps === undefined ? {} : { training: { steps } },
    lr === undefined ? {} : { optimizer: { lr } },
    batchSize === undefined ? {} : { training: { batchSize } },
    seed === undefined ? {} : { seed },
    name === undefined ? {} : { name },
    data.length === 0 ? {} : { data: { sources: data } },
  );
}

async function folderToResume(options: TrainCommandOptions): Promise<string> {
  const { resume, out, name } = options;
  if (typeof resume === 'string') return findRunFolder(out, resume);
  const wanted = name ?? resolveRunConfig(await loadRawConfig(options, shortOptions([], options))).name;
  await requireRunName(out, wanted);
  return (await newestRunFolder(out, wanted)) ?? findRunFolder(out, wanted);
}
