import type { GridShare } from '@modajs/kernels/testing';
import { type Device, init } from '@modajs/tensor';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { listAdapters } from '../run/list-adapters.ts';
import { loadTuning } from '../run/tuning-file.ts';
import { table } from '../terminal/table.ts';

interface DoctorOptions {
  readonly device: 'auto' | 'webgpu' | 'cpu' | 'reference';
  readonly threads?: string;
  readonly adapters: boolean;
  readonly all?: boolean;
  readonly variants?: string;
  /** The older name of `variants`. */
  readonly rungs?: string;
  readonly share?: GridShare;
}

/** Worst figures of one operator family in one dtype. */
interface FamilyResult {
  readonly name: string;
  readonly dtype: string;
  cases: number;
  forwardError: number;
  gradientError: number;
  readonly failures: string[];
}

/** `moda doctor`. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('list adapters, and check every operator against f64 on a device; exit code 1 if one fails')
    .addOption(
      new Option('-d, --device <name>', 'device to check')
        .choices(['auto', 'webgpu', 'cpu', 'reference'])
        .default('auto'),
    )
    .option('--threads <count>', 'threads of the cpu device')
    .option('--no-adapters', 'do not list WebGPU adapters')
    .option('--all', "also the kernels' own grids, of every variant that the device has")
    .option(
      '--variants <parts>',
      "only the kernels' grids of variants whose name has one of these parts, comma-separated",
    )
    .addOption(new Option('--rungs <parts>', 'the older name of --variants').hideHelp())
    .addOption(
      new Option(
        '--share <part/of>',
        "only every n-th case of the kernels' grids, for several processes: 1/8 to 8/8",
      ).argParser(parseShare),
    )
    .action(async (options: DoctorOptions) => {
      if (options.adapters) await printAdapters();
      const device = await init({
        device: options.device,
        ...(await loadTuning(options.device)),
        ...(options.threads === undefined ? {} : { threads: Number(options.threads) }),
      });
      try {
        console.log(`checking ${device}\n`);
        const only = (options.variants ?? options.rungs)?.split(',').map((part) => part.trim()) ?? [];
        const operators = only.length > 0 || (await checkOperators(device));
        const kernels = !(options.all || only.length > 0) || (await checkGrids(device, only, options.share));
        if (!operators || !kernels) process.exitCode = 1;
      } finally {
        device.destroy();
      }
    });
}

/** `3/8` as a share that counts from 0. */
function parseShare(text: string): GridShare {
  const [part, of] = text.split('/').map(Number);
  if (!Number.isInteger(part) || !Number.isInteger(of) || part < 1 || part > of) {
    throw new InvalidArgumentError(`it must be part/of, as 3/8 is, got ${text}.`);
  }
  return { index: part - 1, of };
}

async function printAdapters(): Promise<void> {
  const adapters = await listAdapters();
  if (adapters.length === 0) console.log('WebGPU     no adapter; the cpu device needs none\n');
  for (const { description, features, limits } of adapters) {
    console.log(`WebGPU     ${description}`);
    console.log(`  features ${features.join(', ')}`);
    for (const [name, value] of Object.entries(limits)) console.log(`  limit    ${name} ${value}`);
    console.log('');
  }
}

// Cases and references of all kernels are large: other commands do not load them.
async function checkGrids(device: Device, only: readonly string[], share?: GridShare): Promise<boolean> {
  const { checkKernelGrids } = await import('../run/check-kernel-grids.ts');
  return checkKernelGrids(device, only, share);
}

async function checkOperators(device: Device): Promise<boolean> {
  const { checkOperator, operatorCases } = await import('@modajs/tensor/testing');
  const results: FamilyResult[] = [];
  for (const [name, cases] of Object.entries(operatorCases)) {
    for (const dtype of device.supportsF16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      const result: FamilyResult = { name, dtype, cases: 0, forwardError: 0, gradientError: 0, failures: [] };
      for (const operator of cases) {
        if (operator.dtypes && !operator.dtypes.includes(dtype)) continue;
        const report = await checkOperator(operator, device, dtype);
        result.cases++;
        result.forwardError = Math.max(result.forwardError, report.forwardError);
        result.gradientError = Math.max(result.gradientError, report.gradientError);
        if (!report.passed) result.failures.push(report.message);
      }
      if (result.cases > 0) results.push(result);
    }
  }
  const rows = results.map(({ name, dtype, cases, forwardError, gradientError, failures }) => [
    name,
    dtype,
    String(cases),
    forwardError.toExponential(1),
    gradientError.toExponential(1),
    failures.length === 0 ? 'ok' : `${failures.length} FAILED`,
  ]);
  console.log(table(['operators', 'dtype', 'cases', 'forward error', 'gradient error', 'result'], rows));
  const failures = results.flatMap((result) => result.failures);
  for (const failure of failures) console.log(`failed: ${failure}`);
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  console.log(`\n${cases - failures.length} of ${cases} operator cases agree with f64`);
  return failures.length === 0;
}
