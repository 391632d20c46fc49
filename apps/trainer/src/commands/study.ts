import { type Command, InvalidArgumentError } from 'commander';
import { runStudy, type StudyOptions } from '../study/run-study.ts';
import { runStudyWorker } from '../study/study-worker.ts';
import { WORKER_COMMAND } from '../study/worker-process.ts';

/** `moda study`. */
export function registerStudy(program: Command): void {
  program
    .command('study')
    .description('train variants over grids and seeds and compare them; run again to go on')
    .argument('<file>', 'a YAML file: preset, settings, vary, variants or groups, phases, measure')
    .option('-s, --set <key=value>', 'one setting of all variants; may be repeated', collect, [])
    .option('-o, --out <folder>', 'where the study is kept', 'runs')
    .option('-j, --jobs <n>', 'processes side by side, a GPU each where there are several', whole, 1)
    .option('--time-limit <seconds>', 'start no run that would not end in so many seconds from now', whole)
    .option('--only <text>', 'only runs whose name contains this')
    .option('--retry', 'run again what failed (what diverged is a result)')
    .option('--dry-run', 'print the runs, their parameters and tokens')
    .option('--report-only', 'write tables and report from the results that are there')
    .action((file: string, options: StudyOptions) => runStudy(file, options));
  program.command(WORKER_COMMAND, { hidden: true }).action(() => runStudyWorker());
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number of at least 1.');
  return value;
}
