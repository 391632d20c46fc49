/** What the benchmarks of ranks share: runs of the built command line and their metrics. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const CLI = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/**
 * Runs `moda train` on so many ranks of this machine.
 *
 * @returns what it printed @throws Error with what it printed last
 */
export function runTrain(ranks, args, settings) {
  const words = [CLI, 'train', ...args, ...settings.flatMap((setting) => ['-s', setting])];
  if (ranks > 1) words.push('--ranks', String(ranks));
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`moda train ${words.slice(2).join(' ')}: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}

/** The rows of a run's metrics after the first steps, which compile and fill pools. */
export function rowsOf(out, name, warmUpSteps) {
  const text = readFileSync(join(out, name, 'metrics.jsonl'), 'utf8').trim();
  return text
    .split('\n')
    .slice(warmUpSteps)
    .map((line) => JSON.parse(line));
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

export function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Settings with which nothing but training takes time. */
export const TRAINING_ALONE = [
  'evaluation.maxTokens=1',
  'evaluation.every=1000000',
  'checkpoint.every=null',
  'samples.maxNewTokens=1',
  'logging.tensorBoard=false',
];

/** The command line's texts by their defaults (undefined: none), and all `--set key=value`. */
export function benchValues(defaults) {
  const texts = Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: value }]);
  const set = { type: 'string', multiple: true, default: [] };
  return parseArgs({ options: { ...Object.fromEntries(texts), set } }).values;
}
