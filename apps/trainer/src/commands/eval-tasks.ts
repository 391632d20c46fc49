import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  collectDepthAttention,
  formatResults,
  parseTask,
  runEvaluation,
  selectTasks,
  TASK_GROUPS,
  TASKS,
  type TaskProgress,
  type TaskSelection,
  type TaskSpec,
} from '@modajs/eval';
import { ConfigError } from '@modajs/tensor';
import { PathLock } from '@modajs/train/node';
import { EXIT } from '../cli/exit-codes.ts';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { VERSIONS } from '../run/versions.ts';
import { table } from '../terminal/table.ts';
import { fileStore, openRows, refuseToReplace, writeWhole } from './eval-files.ts';
import { type ModelOptions, type OpenedModel, openModel } from './eval-model.ts';
import { evaluationReport } from './eval-report.ts';

/** Options of `moda eval`. */
export interface EvalOptions extends ModelOptions {
  readonly tasks?: readonly string[];
  readonly taskFile: readonly string[];
  readonly style: string;
  readonly shots?: number;
  readonly limit?: number;
  readonly allDocuments?: boolean;
  readonly data?: string;
  readonly cache?: string;
  readonly output: string;
  readonly overwrite?: boolean;
  readonly logSamples?: boolean;
  readonly fresh?: boolean;
  readonly depthStatistics?: boolean;
}

/** `moda eval`: runs tasks, continuing an earlier run of the same output, and writes results. */
export async function evaluateTasks(options: EvalOptions): Promise<void> {
  await using _ = await PathLock.take(`${options.output}.lock`, options.output);
  const selection = await select(options);
  const depthAttention = options.depthStatistics ? collectDepthAttention() : undefined;
  const opened = await openModel(options, depthAttention?.onAttention);
  const signal = interruptSignal(() => console.error('\nstopping; run the same command again to continue'));
  try {
    const names = new Set([...selection.tasks, ...selection.groups].map(({ name }) => name));
    await refuseToReplace(options.output, (report) => lostResults(report, opened, names), options.overwrite);
    const { results, samples } = await runEvaluation({
      model: opened.model,
      selection,
      rows: openRows(options),
      shots: options.shots,
      limit: options.limit,
      subsample: !options.allDocuments,
      // Statistics come from running the model, so nothing may be taken from an earlier run.
      store: fileStore(`${options.output}.requests.jsonl`, Boolean(options.fresh || options.depthStatistics)),
      logSamples: options.logSamples,
      provenance: await provenance(options),
      depthAttention,
      signal,
      onProgress: showProgress,
    });
    await writeWhole(options.output, `${JSON.stringify(results, null, 2)}\n`);
    for (const [task, lines] of Object.entries(samples)) {
      await writeWhole(
        `${options.output}.samples/${task}.jsonl`,
        lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      );
    }
    console.log(formatResults(results));
    const report = `${options.output.replace(/\.json$/, '')}.html`;
    await writeWhole(report, evaluationReport(results));
    console.log(`\nresults: ${options.output}, drawn in ${report}`);
    if (results.incomplete.some((reason) => reason.kind === 'failed')) process.exitCode = EXIT.incomplete;
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = EXIT.interrupted;
  } finally {
    await opened.close();
  }
}

/** What of an earlier results file this run would not write again, in words. */
function lostResults(
  report: Record<string, unknown>,
  { model }: OpenedModel,
  names: ReadonlySet<string>,
): string | null {
  const { model_hash: hash, model_name: name, results } = report;
  if (typeof hash !== 'string' || typeof results !== 'object' || results === null) return 'no results of moda eval';
  if (hash !== model.identity.modelHash) return `results of another model (${String(name)})`;
  const lost = Object.keys(results).filter((task) => !names.has(task));
  return lost.length === 0 ? null : `results of ${lost.join(', ')}, which this run does not repeat`;
}

/** `moda eval tasks`. */
export function listTasks(style: string): void {
  const tasks = TASKS.filter((task) => task.style === style && !task.name.startsWith('mmlu_'));
  if (tasks.length === 0) throw new ConfigError(`eval: style must be olmes or olmo-in-loop, got ${style}.`);
  const rows = tasks.map((task) => [task.name, String(task.shots), task.primaryMetric, task.dataset.repository]);
  const groups = TASK_GROUPS.filter((group) => group.style === style);
  console.log(table(['task', 'shots', 'metric', 'dataset'], rows));
  console.log(`\ngroups: ${groups.map((group) => group.name).join(', ')}\nsubjects of MMLU: mmlu_<subject>`);
}

async function select({ tasks = [], taskFile, style }: EvalOptions): Promise<TaskSelection> {
  const own: TaskSpec[] = [];
  for (const path of taskFile) own.push(await readTask(path));
  if (tasks.length + own.length === 0)
    throw new ConfigError('eval: there must be tasks, got none. Use --tasks, for example --tasks moda_paper.');
  const builtIn = selectTasks(tasks, style);
  return { tasks: [...builtIn.tasks, ...own], groups: builtIn.groups };
}

async function readTask(path: string): Promise<TaskSpec> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`eval: ${path} must be a readable task file, got ${error.code}. Check --task-file.`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`eval: ${path} must be JSON: ${(error as Error).message}.`);
  }
  return parseTask(value);
}

async function provenance({ model }: EvalOptions) {
  const git = await promisify(execFile)('git', ['rev-parse', 'HEAD']).catch(() => null);
  return {
    gitHash: git?.stdout.trim(),
    environment: `${process.platform} ${process.arch}, Node ${process.version}`,
    packageVersions: VERSIONS,
    date: Date.now() / 1000,
    modelArguments: `model=${model}`,
  };
}

function showProgress({ task, taskIndex, taskCount, doneRequests, totalRequests }: TaskProgress): void {
  const line = `[${taskIndex + 1}/${taskCount}] ${task}: ${doneRequests} of ${totalRequests} requests`;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line}${doneRequests === totalRequests ? '\n' : ''}`);
  else process.stderr.write(`${line}\n`);
}
