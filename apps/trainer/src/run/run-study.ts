import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countParameters } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import {
  Field,
  mergeConfigs,
  parseConfigText,
  parseSetOption,
  type RawConfig,
  resolveConfig,
  resolveRunConfig,
} from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { Progress } from '../terminal/progress.ts';
import { loadPreset } from './load-config.ts';
import { openDevice } from './open-device.ts';
import { createModel, prepareRun } from './prepare-run.ts';
import { type StudyResult, studyTable } from './study-table.ts';
import { trainPrepared } from './train-prepared.ts';

const isMapping = (value: unknown): value is RawConfig =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A study's file. */
const studySchema = {
  name: new Field<string>('study', 'text', 'Folder below --out', (v) =>
    typeof v === 'string' && v !== '' ? v : undefined,
  ),
  preset: new Field<string>('tiny', 'the name of a preset', 'Settings that all variants start from', (v) =>
    typeof v === 'string' ? v : undefined,
  ),
  seeds: new Field<readonly number[]>([1], 'a list of whole numbers', 'Every variant runs once with each', (v) =>
    Array.isArray(v) && v.length > 0 && v.every((seed) => Number.isSafeInteger(seed) && seed >= 0) ? v : undefined,
  ),
  settings: new Field<RawConfig>({}, 'a mapping', 'Settings of all variants', (v) => (isMapping(v) ? v : undefined)),
  variants: new Field<Readonly<Record<string, RawConfig>>>({}, 'a mapping of mappings', 'Settings by variant', (v) =>
    isMapping(v) && Object.values(v).every(isMapping) ? (v as Record<string, RawConfig>) : undefined,
  ),
};

/** Options of `moda study`. */
export interface StudyOptions {
  readonly out: string;
  readonly set: readonly string[];
}

const RESULT_FILE = 'result.json';

/**
 * Trains every variant with every seed, prints a table of means and standard errors and writes it to `study.json`. A study
 * that was stopped goes on where it was: finished runs are read, begun ones resumed.
 */
export async function runStudy(path: string, { out, set }: StudyOptions): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`study: ${path} must be a readable YAML file, got ${error.code}. Check the path.`, { path });
  });
  const study = resolveConfig(studySchema, parseConfigText(text, path), path);
  const variants = Object.entries(study.variants);
  if (variants.length === 0) throw new ConfigError(`study: ${path} must have at least one variant, got none.`);
  const base = mergeConfigs(
    await loadPreset(study.preset),
    study.settings,
    ...set.map((option) => parseSetOption(option)),
  );
  const folder = join(out, study.name);
  const progress = new Progress(process.stdout);
  const signal = interruptSignal(() => progress.line('finishing the step and saving; Ctrl-C again quits at once'));
  const results: StudyResult[] = [];
  for (const seed of study.seeds) {
    for (const [variant, settings] of variants) {
      if (signal.aborted) break;
      progress.line(`variant ${variant}, seed ${seed}`);
      const raw = mergeConfigs(base, settings, { seed, name: `${variant}-seed${seed}` });
      const result = await runVariant(raw, variant, folder, progress, signal);
      if (result) results.push(result);
    }
  }
  if (results.length === 0) return;
  await new FolderStorage(folder).write('study.json', `${JSON.stringify(results, null, 2)}\n`);
  progress.line(`\n${studyTable(results)}`);
}

/** One run of the study; null when it was interrupted. */
async function runVariant(
  raw: RawConfig,
  variant: string,
  studyFolder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<StudyResult | null> {
  const config = resolveRunConfig(raw, `variant ${variant}`);
  const folder = join(studyFolder, config.name);
  const storage = new FolderStorage(folder);
  if (await storage.exists(RESULT_FILE)) {
    return JSON.parse(new TextDecoder().decode(await storage.read(RESULT_FILE))) as StudyResult;
  }
  const prepared = await prepareRun(config, folder, await storage.exists('tokenizer.json'));
  const device = await openDevice(config);
  const decoder = createModel(prepared, device);
  try {
    const summary = await trainPrepared(prepared, decoder, storage, { listener: progress.listener, signal });
    const { interrupted, heldOutLoss, heldOutBitsPerByte, heldOutBySource } = summary;
    if (interrupted) return null;
    if (heldOutLoss === null || heldOutBitsPerByte === null) {
      throw new ConfigError('study: a study compares held-out losses, got data.heldOut 0. Set it above 0.');
    }
    const parameters = countParameters(prepared.model);
    const result = { variant, seed: config.seed, parameters, heldOutLoss, heldOutBitsPerByte, heldOutBySource };
    await storage.write(RESULT_FILE, `${JSON.stringify(result, null, 2)}\n`);
    return result;
  } finally {
    decoder.dispose();
    device.destroy();
  }
}
