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
import { FolderStorage } from '@modajs/train/node';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { duration } from '../terminal/format.ts';
import { Progress } from '../terminal/progress.ts';
import { printDryRun } from './dry-run.ts';
import { finishRun } from './finish-run.ts';
import { loadRawConfig } from './load-config.ts';
import { openDevice } from './open-device.ts';
import { readSavedConfig } from './open-run.ts';
import { createModel, type PreparedRun, prepareRun, printHeader } from './prepare-run.ts';
import { Ranks } from './ranks.ts';
import { findRunFolder, newestRunFolder, newRunFolder } from './run-folder.ts';
import { trainPrepared } from './train-prepared.ts';
import { VERSIONS } from './versions.ts';

/** Options of `moda train` as the command line gives them. */
export interface TrainCommandOptions {
  readonly preset?: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly device?: string;
  readonly threads?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly name?: string;
  readonly out: string;
  readonly resume?: string | true;
  readonly dryRun?: boolean;
}

/** Trains as the options say: prepares, runs, reports. Under `mpirun` on all ranks together. */
export async function runTraining(data: readonly string[], options: TrainCommandOptions): Promise<void> {
  const ranks = await Ranks.join();
  await ranks.run(() => trainOnRanks(data, options, ranks));
}

async function trainOnRanks(data: readonly string[], options: TrainCommandOptions, ranks: Ranks): Promise<void> {
  const prepared = await prepare(data, options, ranks);
  const device = await ranks.together(() => openDevice(prepared.config, ranks.collective));
  try {
    const decoder = createModel(prepared, device);
    try {
      if (ranks.isFirst) printHeader(prepared, device, ranks.size);
      if (options.dryRun) return await printDryRun(prepared, decoder);
      await trainAndReport(prepared, decoder, ranks);
    } finally {
      decoder.dispose();
    }
  } finally {
    device.destroy();
  }
}

async function trainAndReport(prepared: PreparedRun, decoder: Decoder, ranks: Ranks): Promise<void> {
  // mpirun gives its ranks a terminal of its own, whatever its output is.
  const output = ranks.size === 1 ? process.stdout : { write: (text: string) => process.stdout.write(text) };
  const progress = new Progress(output);
  const say = (text: string): void => {
    if (ranks.isFirst) progress.line(text);
  };
  const storage = new FolderStorage(prepared.folder);
  const signal = interruptSignal(() => say('finishing the step and saving; Ctrl-C again quits at once'));
  const listener = ranks.isFirst ? progress.listener : () => {};
  const startedAt = performance.now();
  const summary = await trainPrepared(prepared, decoder, storage, { listener, signal, ranks });
  say(`trained ${summary.step} steps in ${duration(performance.now() - startedAt)}`);
  if (!summary.interrupted && ranks.isFirst) await finishRun(prepared, decoder, summary, storage);
}

/** The first rank names the folder: the others could see it appear and take the next name. */
async function prepare(data: readonly string[], options: TrainCommandOptions, ranks: Ranks): Promise<PreparedRun> {
  const resumes = options.resume !== undefined;
  const { config, folder } = await ranks.together(async () => {
    requireAlone(options, ranks);
    const read = await readConfig(data, options);
    requireDivisibleBatch(read.config, ranks.size);
    return read;
  });
  await ranks.requireAgreement({ version: VERSIONS, ...config });
  const agreed = ranks.collective ? await broadcastJson(ranks.collective, folder) : folder;
  return ranks.together(() => prepareRun(config, agreed, resumes));
}

async function readConfig(
  data: readonly string[],
  options: TrainCommandOptions,
): Promise<{ config: RunConfig; folder: string }> {
  const overrides = shortOptions(data, options);
  if (options.resume !== undefined) {
    const folder = await folderToResume(options);
    const settings = mergeConfigs(...options.set.map(parseSetOption), overrides);
    return { config: (await readSavedConfig(folder, settings)).run, folder };
  }
  const config = resolveRunConfig(mergeConfigs(await loadRawConfig(options), overrides));
  return { config, folder: await newRunFolder(options.out, config.name) };
}

/** @throws ConfigError for a dry run on several ranks */
function requireAlone({ dryRun }: TrainCommandOptions, { size }: Ranks): void {
  if (!dryRun || size === 1) return;
  throw new ConfigError(`train: --dry-run must be started alone, got ${size} ranks. Leave out mpirun.`, { size });
}

/** Options that stand for single settings. */
function shortOptions(data: readonly string[], options: TrainCommandOptions): RawConfig {
  const { device, threads, steps, seed, name } = options;
  return mergeConfigs(
    device === undefined ? {} : { device },
    threads === undefined ? {} : { threads },
    steps === undefined ? {} : { training: { steps } },
    seed === undefined ? {} : { seed },
    name === undefined ? {} : { name },
    data.length === 0 ? {} : { data: { sources: data } },
  );
}

async function folderToResume({ resume, out, name, ...options }: TrainCommandOptions): Promise<string> {
  if (typeof resume === 'string') return findRunFolder(out, resume);
  const wanted = name ?? resolveRunConfig(await loadRawConfig(options)).name;
  return (await newestRunFolder(out, wanted)) ?? findRunFolder(out, wanted);
}
