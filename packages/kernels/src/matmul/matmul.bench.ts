/**
 * Times matmul on the GPU at hand with timestamp queries, and checks sampled elements against f64.
 *   node matmul.bench.mjs [--robust] [--json FILE] [--only PRESET,...] [--candidates] [--configs FILE] [--check]
 * --check runs the test grid of every rung that the device has, subgroup matrices included, instead.
 * Every table starts with a baseline measured in the same run: a vec4 copy, and the naive rung of each product.
 * Each configuration runs in a child process; one that kills it (subgroup matrices may) is reported.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, execPath, exit } from 'node:process';
import { openTestDevice } from '../../test/device.ts';
import { failedRow, measureCopy, measureProduct, type Row } from '../../test/matmul-measure.ts';
import { matmulPresets } from '../../test/matmul-presets.ts';
import { matmulErrors, matmulTolerance } from '../testing/matmul-case.ts';
import { matmulGrid } from '../testing/matmul-grid.ts';
import { chooseMatmulConfig, matmulCandidates } from './matmul-choice.ts';
import type { MatmulConfig } from './matmul-config.ts';

/** What one child measures. */
interface Job {
  readonly preset: string;
  readonly config?: MatmulConfig;
}

const flag = (name: string) => argv.includes(`--${name}`);
const option = (name: string) => (flag(name) ? argv[argv.indexOf(`--${name}`) + 1] : undefined);
const toggles = flag('robust') ? ['disable_workgroup_init'] : ['disable_robustness', 'disable_workgroup_init'];

if (option('child')) await runChild(JSON.parse(option('child')!) as Job);
else if (flag('check')) await runCheck();
else await runAll();

/** The grid of the tests on this device. */
async function runCheck(): Promise<void> {
  const gpu = await openTestDevice({ enable: toggles });
  let failures = 0;
  for (const { name, config, cases } of matmulGrid(gpu.capabilities)) {
    let worst = 0;
    for (const test of cases) {
      const { error, naive, strays, repeats } = await matmulErrors(gpu, test, config);
      const ratio = error / matmulTolerance(test, naive);
      worst = Math.max(worst, ratio);
      if (ratio <= 1 && strays === 0 && repeats) continue;
      failures++;
      console.log(`  wrong: ${name} ${JSON.stringify({ test, error, naive, strays, repeats })}`);
    }
    console.log(`${name}: ${cases.length} cases, worst error ${(100 * worst).toFixed(0)}% of the tolerance`);
  }
  console.log(failures === 0 ? 'check passed' : `check: ${failures} cases are wrong`);
  exit(failures === 0 ? 0 : 1);
}

async function runAll(): Promise<void> {
  const gpu = await openTestDevice({ enable: toggles });
  const only = option('only')?.split(',');
  const presets = Object.keys(matmulPresets).filter((name) => !only || only.includes(name));
  const file = option('configs');
  const jobs: Job[] = file
    ? (JSON.parse(readFileSync(file, 'utf8')) as Job[]).filter(({ preset }) => presets.includes(preset))
    : presets.flatMap((preset) => {
        const { problem } = matmulPresets[preset]!;
        const configs = flag('candidates') ? matmulCandidates(problem, gpu.capabilities) : [{ kind: 'naive' } as const];
        return [...configs.map((config) => ({ preset, config })), { preset }];
      });
  const copy = await measureCopy(gpu);
  const { adapter } = gpu;
  gpu.close();
  console.log(`${adapter['description']}, copy ${copy.toFixed(0)} GB/s, robustness ${flag('robust') ? 'on' : 'off'}`);
  const rows = jobs.map((job) => {
    const row = runJob(job);
    report(row, copy);
    return row;
  });
  const target = option('json');
  if (target)
    writeFileSync(
      target,
      `${JSON.stringify({ date: new Date().toISOString(), adapter, robustness: flag('robust'), copyGBs: copy, rows }, null, 1)}\n`,
    );
  exit(0);
}

/** A process of its own for each job: what a process compiled before changes how fast its next pipeline runs. */
function runJob(job: Job): Row {
  const args = [argv[1]!, '--child', JSON.stringify(job), ...(flag('robust') ? ['--robust'] : [])];
  const { stdout, stderr } = spawnSync(execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 120_000 });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  return line
    ? (JSON.parse(line) as Row)
    : failedRow(job.preset, job.config, `the process died: ${stderr.slice(-300)}`);
}

async function runChild({ preset, config }: Job): Promise<void> {
  const gpu = await openTestDevice({ enable: toggles });
  const { problem, copies } = matmulPresets[preset]!;
  const chosen = config ?? chooseMatmulConfig(problem, gpu.capabilities);
  const row = await measureProduct(gpu, preset, problem, chosen, copies);
  console.log(JSON.stringify({ ...row, isDefault: config === undefined }));
  exit(0);
}

function report(row: Row, copy: number): void {
  const speed =
    row.error ??
    `${row.medianMs.toFixed(3)} ms (${row.minMs.toFixed(3)}-${row.maxMs.toFixed(3)})  ${row.tflops.toFixed(1)} TFLOP/s  ${((100 * row.gbs) / copy).toFixed(0)}% of copy  off ${row.offBy.toExponential(1)}`;
  console.log(`${row.preset.padEnd(16)} ${row.isDefault ? '*' : ' '} ${row.config.padEnd(72)} ${speed}`);
}
