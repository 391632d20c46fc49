import { type Command, InvalidArgumentError, Option } from 'commander';
import { MODEL_NAMES } from '../model/open-model-source.ts';
import { loraSettings } from '../run/lora-settings.ts';
import { runTraining, type TrainCommandOptions } from '../run/run-training.ts';

/** `moda train`. */
export function registerTrain(program: Command): void {
  program
    .command('train')
    .description('train a model on text, evaluate it, write samples and a report to runs/<name>/')
    .argument('[data...]', 'text files or folders; overrides data.sources')
    .option('-f, --from <model>', `a trained model to start from: ${MODEL_NAMES}`)
    .addOption(
      new Option('--lora [settings]', 'train a low-rank adapter: rank=16,alpha=32,targets=q_proj,v_proj').argParser(
        loraSettings,
      ),
    )
    .option('-p, --preset <name>', 'a model that moda models lists, with its settings (default: tiny)')
    .option('-c, --config <file>', 'settings from a YAML file')
    .option('-s, --set <key=value>', 'one setting, e.g. optimizer.lr=3e-4; may be repeated', collect, [])
    .option('-d, --device <name>', 'auto, webgpu, cpu or reference')
    .option('--threads <count>', 'threads of the cpu device', positiveInteger)
    .option('--steps <count>', 'optimiser steps (training.steps)', positiveInteger)
    .option('--lr <rate>', 'peak learning rate (optimizer.lr)', positiveNumber)
    .option('--batch-size <count>', 'sequences of a step (training.batchSize)', positiveInteger)
    .option('--seed <number>', 'seed of weights, data order and samples', wholeNumber)
    .option('-n, --name <name>', 'name of the run')
    .option('-o, --out <folder>', 'where runs are kept', 'runs')
    .option('-r, --resume [run]', 'continue a run from its last whole checkpoint')
    .option('--new-schedule', 'with --resume: go on although the learning rate jumps to that of another schedule')
    .option(
      '--ranks <count>',
      'so many processes of this machine train together: one a GPU (needs koffi)',
      positiveInteger,
    )
    .option('--dry-run', 'print sizes and estimates, write nothing')
    .action(async (data: string[], options: TrainCommandOptions) => {
      await runTraining(data, options);
    });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Parses a command-line count. */
export function positiveInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number above 0.');
  return number;
}

/** Parses a number above 0. */
function positiveNumber(value: string): number {
  const number = Number(value);
  if (!(number > 0 && number < Infinity)) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

/** Parses a checkpoint of a run: its step, or `best`. */
export function checkpointStep(value: string): number | 'best' {
  return value === 'best' ? value : positiveInteger(value);
}

/** Help of an option that takes `checkpointStep`. */
export const CHECKPOINT_HELP =
  'checkpoint of a run: a step, or best, of the lowest held-out loss (default: the newest)';

/** Parses a held-out share. */
export function share(value: string): number {
  const number = Number(value);
  if (!(number >= 0 && number <= 0.5) || value.trim() === '')
    throw new InvalidArgumentError('It must be from 0 to 0.5.');
  return number;
}

/** Parses a command-line number that may be 0. */
export function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It must be a whole number.');
  return number;
}
