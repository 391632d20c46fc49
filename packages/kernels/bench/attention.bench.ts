/**
 * `attention.bench --preset table2|targets|search|ablation|smoke [--out results.json] [--robustness]`
 *
 * Times the attention family on this machine's adapter with timestamp queries, each job in a process of its own
 * (a subgroup-matrix shader that aborts the process costs only its row), checks sampled rows against f64, prints a table, writes JSON.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { type AttentionJob, type AttentionMeasurement, measureAttention } from './attention-measure.ts';
import { presets } from './attention-presets.ts';
import { median } from './bench-device.ts';
import { depthBytes } from './depth-gradient-presets.ts';

const flag = (name: string): string | undefined => {
  const index = argv.indexOf(`--${name}`);
  return index < 0 ? undefined : argv[index + 1];
};

const child = flag('job');
if (child) {
  const result = await measureAttention(JSON.parse(child) as AttentionJob);
  console.log(`RESULT ${JSON.stringify(result)}`);
  process.exit(0);
}

const results: (AttentionMeasurement & { job: AttentionJob })[] = [];
const names = (flag('preset') ?? 'smoke').split(',');
for (const job of names.flatMap((name) => presets(name))) {
  const full = argv.includes('--robustness') ? { ...job, robustness: true } : job;
  const started = Date.now();
  const run = spawnSync(process.execPath, [argv[1]!, '--job', JSON.stringify(full)], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  const line = run.stdout?.split('\n').find((text) => text.startsWith('RESULT '));
  if (!line) {
    console.log(`${job.name}: failed (${run.signal ?? run.status}) ${(run.stderr ?? '').slice(-600)}`);
    continue;
  }
  const result = JSON.parse(line.slice(7)) as AttentionMeasurement;
  results.push({ ...result, job: full });
  console.log(describe(job, result, Date.now() - started));
  const out = flag('out');
  if (out) writeFileSync(out, JSON.stringify(results, null, 1));
}

function describe(job: AttentionJob, result: AttentionMeasurement, wallMs: number): string {
  const { T, H, D, Dv, causal, hasSequence } = job.problem;
  const pairs = hasSequence ? (T * T) / (causal ? 2 : 1) : 0;
  const forwardFlops = 2 * pairs * H * (D + Dv);
  const rate = (flops: number, ms: number) => (pairs > 0 ? `${(flops / ms / 1e9).toFixed(0)} TFLOP/s` : '');
  const parts = [`${job.name}:`];
  const forward = median(result.forwardMs);
  parts.push(`fwd ${forward.toFixed(3)} ms ${rate(forwardFlops, forward)}`);
  if (result.backwardMs.length > 0) {
    const backward = median(result.backwardMs);
    parts.push(`bwd ${backward.toFixed(3)} ms ${rate(2.5 * forwardFlops, backward)}`);
  }
  const passes = Object.entries(result.passMs).map(([label, ms]) => {
    const bytes = depthBytes(label, job);
    const rate = bytes > 0 ? ` (${(bytes / ms / 1e6).toFixed(0)} GB/s)` : '';
    return `${label.replace('attention-', '')}=${ms.toFixed(3)}${rate}`;
  });
  const errors = Object.entries(result.errors).map(([name, error]) => `${name} ${error.toExponential(1)}`);
  return `${parts.join(' ')} | ${passes.join(', ')} | ${errors.join(' ')} | wall ${wallMs}`;
}
