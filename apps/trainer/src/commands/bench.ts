import { benchPresets } from '@modajs/bench';
import { ConfigError } from '@modajs/tensor';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MODEL_NAMES } from '../model/open-model-source.ts';
import { type BenchOptions, benchFile, benchPreset } from '../run/bench/bench-command.ts';
import { answerRowRequest } from '../run/bench/bench-rows.ts';
import { type BenchStepOptions, benchStep } from '../run/bench/bench-step.ts';
import { positiveInteger } from './train.ts';

const DESCRIPTIONS: Readonly<Record<keyof typeof benchPresets, string>> = {
  matmul: 'matrix products: every kernel variant on squares, the products of models, decoding',
  attention: 'flash attention forward and backward: every kernel variant, and long sequences',
  moda: "the paper's Table 2: MoDA over our own attention without depth, and the depth part alone",
  ablation: "the paper's Table 7: from a naive MoDA to the shipped kernels in four steps",
};

/** `moda bench`. */
export function registerBench(program: Command): void {
  const bench = program.command('bench').description('time kernels and training steps, each checked against f64');
  for (const name of Object.keys(benchPresets) as (keyof typeof benchPresets)[]) {
    withRowOptions(bench.command(name).description(DESCRIPTIONS[name])).action((options: BenchOptions) =>
      benchPreset(name, options),
    );
  }
  withRowOptions(
    bench
      .command('jobs')
      .description("the jobs in a JSON file, as in the rows' `job`")
      .argument('<file>', 'a list of jobs'),
  ).action((file: string, options: BenchOptions) => benchFile(file, options));
  bench
    .command('step')
    .description('whole training steps of a model beside the same model without depth')
    .argument('[model]', `a preset, ${MODEL_NAMES}`, 'tiny')
    .option('-s, --set <key=value>', 'one setting, e.g. training.batchSize=4; may be repeated', collect, [])
    .option('--runs <count>', 'measured rounds of 4 steps of each', positiveInteger, 10)
    .addOption(asOption())
    .option('--json <file>', 'write the rows there')
    .option('-o, --out <folder>', 'where runs are kept', 'runs')
    .action((preset: string, options: Omit<BenchStepOptions, 'preset'>) => benchStep({ preset, ...options }));
  // What `--isolate` starts: one job on standard input, one line out.
  program.command('bench-row', { hidden: true }).action(answerRowRequest);
}

function withRowOptions(command: Command): Command {
  return command
    .addOption(deviceOption())
    .addOption(
      new Option('--scale <scale>', 'published shapes, shapes that fit the device, or tiny ones')
        .choices(['paper', 'fit', 'smoke'])
        .default('fit'),
    )
    .addOption(robustnessOption())
    .addOption(asOption())
    .option('--rows <parts>', 'only rows whose id or name has one of these parts, comma-separated')
    .option('--runs <count>', 'measured runs of each row', positiveInteger)
    .option('--threads <count>', 'threads of the cpu device', positiveInteger)
    .option('--memory-limit <GiB>', 'skip rows whose operands take more', positiveNumber)
    .option('--peak <dtype=TFLOP/s>', 'compare with this instead of the measured product', collectPeak)
    .option('--tuned', 'with what moda tune found, instead of the defaults')
    .option('--isolate', 'a process for each row (default on WebGPU)')
    .option('--no-isolate', 'all rows in this process')
    .option('--json <file>', 'write the rows there');
}

function deviceOption(): Option {
  return new Option('-d, --device <name>', 'where to measure').choices(['auto', 'webgpu', 'cpu']).default('auto');
}

function asOption(): Option {
  return new Option('--as <where>', 'browser: without tensor cores and with bounds checks, as browsers compute')
    .choices(['browser', 'node'])
    .default('node');
}

function robustnessOption(): Option {
  return new Option('--robustness <state>', "Dawn's bounds checks, which browsers always have")
    .choices(['on', 'off'])
    .default('off');
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function collectPeak(value: string, before: Record<string, number> = {}): Record<string, number> {
  const [dtype, tflops] = value.split('=');
  if ((dtype !== 'f16' && dtype !== 'f32') || !(Number(tflops) > 0)) {
    throw new ConfigError(`bench: --peak must be like f16=989, got "${value}". Give TFLOP/s for f16 or f32.`);
  }
  return { ...before, [dtype]: Number(tflops) };
}

function positiveNumber(value: string): number {
  if (Number(value) > 0) return Number(value);
  throw new InvalidArgumentError('must be a positive number.');
}
