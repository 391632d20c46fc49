/**
 * `npm run fuzz -- [--target NAME ...] [--cases N] [--seed N] [--seconds N] [--replay FILE]`. Without `--cases` every target
 * gets an equal share of `--seconds` (40). Exits with 1 when there is a fault.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type RunReport, runTarget } from './run-target.ts';

const [bundles, faultFolder] = [process.env['FUZZ_BUNDLES']!, process.env['FUZZ_FAULTS']!];
const shortForm = { seconds: 40, cases: 1_000_000 };

const all = readdirSync(join(bundles, 'targets'))
  .map((file) => file.replace(/\.mjs$/, ''))
  .sort();
const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    cases: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    replay: { type: 'string' },
  },
});

function refuse(message: string): never {
  console.error(`fuzz: ${message}`);
  process.exit(2);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) refuse(`--${name} must be a whole number, got ${text}.`);
  return value;
}

const targets = values.target ?? all;
for (const name of targets) {
  if (!all.includes(name)) refuse(`--target must be one of ${all.join(', ')}, got ${name}.`);
}
if (values.replay !== undefined && targets.length !== 1) refuse('--replay needs one --target. Name it.');
const seed = whole('seed', values.seed);
const cases = values.replay !== undefined ? 1 : values.cases === undefined ? undefined : whole('cases', values.cases);
const seconds = values.seconds === undefined ? undefined : whole('seconds', values.seconds);
const share =
  cases === undefined || seconds !== undefined ? (seconds ?? shortForm.seconds) / targets.length : undefined;

function print(name: string, report: RunReport, timeMs: number): void {
  const kinds = `${report.faults.length} kind${report.faults.length === 1 ? '' : 's'}`;
  const result = report.faultCount === 0 ? 'no fault' : `${report.faultCount} faults of ${kinds}`;
  console.log(
    `${name.padEnd(20)} ${String(report.cases).padStart(8)} cases ${(timeMs / 1000).toFixed(1).padStart(7)} s  ${result}`,
  );
  for (const fault of report.faults) {
    mkdirSync(faultFolder, { recursive: true });
    const file = join(faultFolder, `${name}-${seed}-${fault.case}.bin`);
    writeFileSync(file, fault.bytes);
    console.log(`  seed ${seed}, case ${fault.case}: ${fault.message}`);
    console.log(`  ${fault.bytes.length} bytes: npm run fuzz -- --target ${name} --replay ${file}`);
  }
}

let hasFaults = false;
for (const name of targets) {
  const start = performance.now();
  const report = await runTarget({
    module: pathToFileURL(join(bundles, 'targets', `${name}.mjs`)).href,
    caseProcess: join(bundles, 'case-process.mjs'),
    cases: cases ?? shortForm.cases,
    seed,
    ...(share === undefined ? {} : { seconds: share }),
    ...(values.replay === undefined ? {} : { file: resolve(process.env['INIT_CWD'] ?? '.', values.replay) }),
  });
  hasFaults ||= report.faultCount > 0;
  print(name, report, performance.now() - start);
}
process.exit(hasFaults ? 1 : 0);
