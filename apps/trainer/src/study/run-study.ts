import { join } from 'node:path';
import { countParameters } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import {
  lossTable,
  mergeConfigs,
  missingLines,
  prepareModelConfig,
  type RawConfig,
  type RunConfig,
  resolveRunConfig,
  type StudyFile,
  type StudyTable,
  sequenceLength,
  studyCsv,
  studyReportHtml,
  summarizeStudy,
} from '@modajs/train';
import { FolderStorage, PathLock } from '@modajs/train/node';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { loadPreset } from '../run/load-config.ts';
import { readSources } from '../run/prepare-data.ts';
import { loadTokenizer, prepareTokenizer } from '../run/prepare-tokenizer.ts';
import { table } from '../terminal/table.ts';
import { type CheckedStudy, checkStudy, resolveRun, studyBase } from './check-study.ts';
import { type PlannedRun, planRuns } from './plan-runs.ts';
import { StudyClock } from './study-clock.ts';
import { readStudyFile, type Study } from './study-file.ts';
import { StudyProgress } from './study-progress.ts';
import { StudyRunner } from './study-runner.ts';

/** Options of `moda study`. */
export interface StudyOptions {
  readonly out: string;
  readonly set: readonly string[];
  /** Processes side by side. */
  readonly jobs: number;
  /** Seconds after which no run is started that would not end in time. */
  readonly timeLimit?: number;
  /** Only runs whose key contains this. */
  readonly only?: string;
  /** Runs that failed are run again; diverged ones are results. */
  readonly retry?: boolean;
  /** Say what would run. */
  readonly dryRun?: boolean;
  /** Write tables and report from the results that are there. */
  readonly reportOnly?: boolean;
}

/** In a study's folder while a process works on it. */
const LOCK_FILE = 'study.lock';

/**
 * Runs a study: every variant at every point of every phase, with tables and a report. A study that was stopped goes on where it
 * was: ended runs are read, runs in progress resumed from their checkpoints or begun again. One process at a time writes to a
 * study, with `reportOnly` too.
 *
 * @throws LockedError naming the process that works on the study
 */
export async function runStudy(path: string, options: StudyOptions): Promise<void> {
  const given = await readStudyFile(path, options.set);
  const folder = join(options.out, given.name);
  await using _ = options.dryRun ? null : await PathLock.take(join(folder, LOCK_FILE), folder);
  const base = studyBase(await loadPreset(given.preset));
  const { study: located, vocabSize } = await withTokenizer(given, base, folder, options);
  const checked = checkStudy(located, base, vocabSize);
  if (options.dryRun) return printPlan(checked, base, vocabSize);
  const progress = new StudyProgress(process.stdout);
  const runner = await StudyRunner.open(
    { study: checked.study, base, vocabSize, folder, preset: given.preset },
    { ...options, progress, clock: new StudyClock(options.timeLimit ?? null), onEnded: () => writer.soon() },
  );
  const writer = new StudyWriter(checked, folder, () => runner.results());
  try {
    if (!options.reportOnly) {
      const stop = interruptSignal(() => progress.line('ending the runs in progress; Ctrl-C again quits at once'));
      await runner.run(stop);
    }
  } finally {
    await writer.write();
  }
  progress.line(`\n${await writer.summary()}`);
}

/** The study with the path of its tokenizer: the one that is named, or one made once and kept in the study's folder. */
async function withTokenizer(
  study: Study,
  base: RawConfig,
  folder: string,
  { dryRun }: StudyOptions,
): Promise<{ study: Study; vocabSize: number }> {
  const configs = study.variants.map(({ settings, id }) =>
    resolveRunConfig(mergeConfigs(base, settings), `study: ${id}`),
  );
  const [config] = configs;
  const different =
    study.variants[configs.findIndex((one) => JSON.stringify(one.tokenizer) !== JSON.stringify(config.tokenizer))];
  if (different) {
    throw new ConfigError(
      `study: all variants must have one tokenizer, ${different.id} has another than ${study.variants[0].id}.`,
    );
  }
  const path = config.tokenizer.path ?? join(folder, 'tokenizer.json');
  const storage = new FolderStorage(folder);
  const isThere = config.tokenizer.path !== null || (await storage.exists('tokenizer.json'));
  const tokenizer = isThere ? await loadTokenizer(path) : await makeTokenizer(config);
  if (!isThere && !dryRun) await storage.write('tokenizer.json', tokenizer.toJson());
  const variants = study.variants.map((variant) => ({
    ...variant,
    settings: mergeConfigs(variant.settings, { tokenizer: { path } }),
  }));
  return { study: { ...study, variants }, vocabSize: tokenizer.vocabSize };
}

async function makeTokenizer(config: RunConfig) {
  return prepareTokenizer(config, await readSources(config));
}

/** Keeps `study.json`, `study.csv` and `report.html` up to date, at most every few seconds. */
class StudyWriter {
  private writing: Promise<void> = Promise.resolve();
  private writtenAt = 0;

  constructor(
    private readonly checked: CheckedStudy,
    private readonly folder: string,
    private readonly results: () => StudyFile['runs'],
  ) {}

  soon(): void {
    if (performance.now() - this.writtenAt > 10_000) void this.write();
  }

  async write(): Promise<void> {
    this.writtenAt = performance.now();
    this.writing = this.writing.then(async () => {
      const file = this.file();
      const storage = new FolderStorage(this.folder);
      await storage.write('study.json', `${JSON.stringify(file)}\n`);
      await storage.write('study.csv', studyCsv(file.runs));
      await storage.write('report.html', studyReportHtml(file));
    });
    await this.writing;
  }

  async summary(): Promise<string> {
    const file = this.file();
    const summary = summarizeStudy(file);
    const lines = missingLines(file, summary);
    const shown = ({ headings, rows }: StudyTable): string => table(headings, rows);
    return [shown(lossTable(summary)), ...lines, `report     ${join(this.folder, 'report.html')}`].join('\n');
  }

  private file(): StudyFile {
    const { study, record } = this.checked;
    return {
      format: 'moda-study',
      version: 1,
      name: study.name,
      plan: record,
      runs: this.results(),
      source: study.source,
    };
  }
}

function printPlan({ study, record }: CheckedStudy, base: RawConfig, vocabSize: number): void {
  const { ready, waiting } = planRuns(study, new Map());
  const rowOf = (run: PlannedRun): string[] => {
    const { config, model } = resolveRun(base, run, vocabSize);
    const full = prepareModelConfig(config, vocabSize);
    const tokens = config.training.steps * config.training.batchSize * sequenceLength(config, model);
    return [run.key, countParameters(full).toLocaleString('en'), tokens.toLocaleString('en')];
  };
  console.log(table(['run', 'parameters', 'tokens'], [...ready, ...waiting].map(rowOf)));
  for (const { variant, matched } of record.variants) {
    if (matched)
      console.log(`${variant}: FFN width ${matched.dFf}, ${matched.remainder} parameters more than ${matched.variant}`);
  }
  if (waiting.length > 0) console.log(`${waiting.length} of these wait for the best values of an earlier phase`);
}
