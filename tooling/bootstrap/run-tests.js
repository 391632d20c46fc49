/**
 * Runs `turbo run test` with a Vulkan driver in the environment and prints how many tests ran on which device.
 * Fails when there is no WebGPU adapter: a kernel that never ran is not tested.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { softwareVulkanEnvironment } from '../software-vulkan/index.js';
import { ROOT } from './pnpm.js';

const FOLDERS = ['packages', 'apps', 'tooling'];
/** Their tests take longest, in this order. */
const LONGEST = ['@modajs/trainer', '@modajs/dashboard'];
/** How the log of a package's tests ends when they failed. */
const FAILED = /Test failed|ELIFECYCLE/;
/** Lines of a package's failures that are repeated at the end. */
const MOST_LINES = 80;

function packageFolders() {
  return FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)));
}

function summaries() {
  return packageFolders()
    .map((folder) => ({ folder, file: join(ROOT, folder, '.test-results', 'summary.json') }))
    .filter(({ file }) => existsSync(file))
    .map(({ folder, file }) => ({ folder, ...JSON.parse(readFileSync(file, 'utf8')) }));
}

function printSummary() {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const byDevice = {};
  for (const { passed, failed, skipped, byDevice: devices } of summaries()) {
    totals.passed += passed;
    totals.failed += failed;
    totals.skipped += skipped;
    for (const [device, counts] of Object.entries(devices)) {
      byDevice[device] ??= { passed: 0, failed: 0 };
      byDevice[device].passed += counts.passed;
      byDevice[device].failed += counts.failed;
    }
  }
  console.log('\nTests by device (a test that compares two devices counts on both):');
  for (const [device, { passed, failed }] of Object.entries(byDevice).sort()) {
    console.log(`  ${device.padEnd(12)} ${String(passed).padStart(6)} passed ${String(failed).padStart(4)} failed`);
  }
  console.log(
    `\n${totals.passed} passed, ${totals.failed} failed${totals.skipped ? `, ${totals.skipped} skipped` : ''}`,
  );
}

/** Tests that this machine's adapter cannot run, by what it lacks: never a silent gap. */
function printNotRun() {
  const kinds = { notRun: 'were not run', partlyRun: 'ran without a part' };
  for (const [kind, text] of Object.entries(kinds)) {
    const needs = new Set(summaries().flatMap((summary) => Object.keys(summary[kind] ?? {})));
    for (const need of needs) {
      const lines = summaries().flatMap((summary) =>
        (summary[kind][need] ?? []).map((name) => `  ${summary.folder}: ${name}`),
      );
      console.log(`\n${lines.length} tests ${text}: the WebGPU adapter (${driver.MODA_VULKAN}) lacks ${need}:`);
      console.log(lines.join('\n'));
    }
  }
}

/** Tests under a condition that does not hold here (`runIf`), as those of files that lie beside the repository. */
function printSkipped() {
  const lines = summaries().flatMap(({ folder, skippedNames = [] }) =>
    skippedNames.map((name) => `  ${folder}: ${name}`),
  );
  if (lines.length === 0) return;
  console.log(
    `\n${lines.length} tests were skipped: their condition does not hold here (most need files of ../shared):`,
  );
  console.log(lines.join('\n'));
}

/** Tests whose end was not heard of when their process died; it reports some tests at a time. */
function printUnfinished() {
  const lines = summaries().flatMap(({ folder, unfinished = [] }) => unfinished.map((name) => `  ${folder}: ${name}`));
  if (lines.length > 0)
    console.log(
      `\n${lines.length} tests did not report an end; their process died at one of the first of them:\n${lines.join('\n')}`,
    );
}

/**
 * Packages of which a test process died, where nothing else failed: native code ends a process at times (a software Vulkan driver, a
 * browser's GPU process), once in dozens of runs. The packages that passed are in turbo's cache, so another run takes up these alone.
 */
function diedWithoutFailure() {
  const all = summaries();
  if (all.some(({ failed }) => failed > 0)) return [];
  return all.filter(({ unfinished = [] }) => unfinished.length > 0).map(({ folder }) => folder);
}

function mpiVersion() {
  const { status, stdout } = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : null;
}

/** The browsers beside Chromium, and whether their tests run: all of them must be there. */
function engines() {
  const missing = ['firefox-esr', 'WebKitWebDriver', 'Xvfb'].filter((name) => spawnSync('which', [name]).status !== 0);
  return missing.length === 0 ? 'Chromium, Firefox, WebKit' : `Chromium alone; ${missing.join(', ')} not installed`;
}

/** What each package that failed said about it, once more: in eleven thousand lines of a whole run nobody finds it. */
function printFailures(since) {
  for (const folder of packageFolders()) {
    const file = join(ROOT, folder, '.turbo', 'turbo-test.log');
    if (!existsSync(file) || statSync(file).mtimeMs < since) continue;
    const text = readFileSync(file, 'utf8');
    if (!FAILED.test(text)) continue;
    // vitest reports tests that failed, then errors outside of tests, as a worker that died; without either the end must do.
    const begin = Math.max(text.search(/^.*(Failed (Tests|Suites)|Unhandled Errors) /m), 0);
    const lines = text.slice(begin).trimEnd().split('\n');
    console.log(`\n=== ${folder} failed:`);
    console.log((begin > 0 ? lines.slice(0, MOST_LINES) : lines.slice(-MOST_LINES)).join('\n'));
  }
}

/** Runs a task of packages, two at a time; gives turbo's exit code. */
function turbo(task, options = []) {
  const concurrency = options.some((option) => option.startsWith('--concurrency')) ? [] : ['--concurrency=2'];
  const args = ['run', task, '--output-logs=errors-only', '--continue', ...concurrency, ...options];
  const env = { ...process.env, ...driver, MODA_REQUIRE_WEBGPU: '1', TURBO_TELEMETRY_DISABLED: '1' };
  const child = spawn('turbo', args, { cwd: ROOT, stdio: 'inherit', env });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/**
 * All tests: those of the two packages that take longest one after the other, from the start, beside all others two by two. turbo takes
 * packages in the order in which they can be built, so these two would begin last and end alone. All is built before, for two turbos must
 * not build one package at once; files that are whole they let be.
 */
async function everyTest() {
  const built = await turbo('build');
  if (built !== 0) return built;
  const runs = [
    turbo('test', [...LONGEST.map((name) => `--filter=${name}`), '--concurrency=1']),
    turbo(
      'test',
      LONGEST.map((name) => `--filter=!${name}`),
    ),
  ];
  return Math.max(...(await Promise.all(runs)));
}

const driver = softwareVulkanEnvironment();
console.log(`WebGPU for tests: ${driver.MODA_VULKAN}`);
console.log(`Browsers for tests: ${engines()}`);
console.log(`MPI for tests: ${mpiVersion() ?? 'none here; ranks are tested in one process'}`);
// A stale summary must not count as a test that ran: turbo restores those of cached packages.
for (const { folder } of summaries()) rmSync(join(ROOT, folder, '.test-results'), { recursive: true });
const start = Date.now();
const chosen = process.argv.slice(2);
const run = () => (chosen.length > 0 ? turbo('test', chosen) : everyTest());
let status = await run();
const died = diedWithoutFailure();
if (status !== 0 && died.length > 0) {
  printFailures(start);
  printUnfinished();
  console.log(
    `\n=== No test failed, but a test process died in ${died.join(', ')}: what has not passed is run once more.`,
  );
  status = await run();
}
printNotRun();
printSkipped();
if (status !== 0) printFailures(start);
printUnfinished();
printSummary();
if (died.length > 0) console.log(`A test process of ${died.join(', ')} died once: see above for its last tests.`);
process.exit(status);
