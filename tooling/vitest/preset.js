import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { wgslVite } from '@modajs/build/wgsl';
import { defineConfig } from 'vitest/config';

/**
 * Whether tests under mpirun belong to a run: where OpenMPI is installed, and wherever it is required (CI), to fail there
 * when it is missing. No npm package carries an MPI, so a machine without one tests collectives in one process only.
 */
const hasMpi = process.env['MODA_REQUIRE_MPI'] === '1' || spawnSync('mpirun', ['--version']).status === 0;

/** Likewise for tests in Firefox and WebKit, which come from Debian (tooling/browser/install-browsers.sh). */
const hasEngines =
  process.env['MODA_REQUIRE_ENGINES'] === '1' ||
  ['firefox-esr', 'WebKitWebDriver', 'Xvfb'].every((program) => spawnSync('which', [program]).status === 0);

/** For a test process and the commands that it starts: waiting for a software adapter must not take a core from it. */
const quietWaits = [process.env['NODE_OPTIONS'], `--import=${new URL('./quiet-waits.js', import.meta.url)}`]
  .filter(Boolean)
  .join(' ');

/**
 * One vitest configuration for every package. Five kinds of test, by file name:
 *   *.test.ts          any machine, no GPU API
 *   *.gpu.test.ts      a WebGPU adapter through npm `webgpu` (software Vulkan in CI)
 *   *.browser.test.ts  drives a real Chromium
 *   *.driver.test.ts   drives Firefox ESR and WebKitGTK by WebDriver, where Debian's packages are installed
 *   *.mpi.test.ts      starts several processes with mpirun
 * A GPU test whose name has a word of `MODA_ADAPTER_LACKS` in brackets, as `[webgpu f16]`, does not run (adapter-needs.js).
 * Workspace packages resolve to their sources, so a test never runs against a stale build.
 * Results go to .test-results/ for the per-device summary that `npm test` prints.
 */
export function packageTests(options = {}) {
  const { test = {}, ...rest } = options;
  /** Files of a kind run one after another, after those of the kind before. */
  let groupOrder = 0;
  const kind = (name, include, more = {}) => ({
    extends: true,
    test: { name, include: [include], maxWorkers: 1, sequence: { groupOrder: ++groupOrder }, ...more },
  });
  return defineConfig({
    plugins: [wgslVite()],
    resolve: { conditions: ['@modajs/source', 'module', 'import', 'default'] },
    ssr: { resolve: { conditions: ['@modajs/source', 'node', 'module', 'import', 'default'] } },
    ...rest,
    test: {
      reporters: ['default', fileURLToPath(new URL('./device-reporter.js', import.meta.url))],
      testTimeout: 60_000,
      hookTimeout: 120_000,
      // A process that has had hundreds of WebGPU devices takes a while to end.
      teardownTimeout: 60_000,
      pool: 'forks',
      maxWorkers: 2,
      // The files of a worker share their modules: loading them anew for each file took half of the processor time of all tests.
      isolate: false,
      passWithNoTests: false,
      setupFiles: [fileURLToPath(new URL('./adapter-needs.js', import.meta.url))],
      ...test,
      projects: [
        {
          extends: true,
          test: {
            name: 'node',
            include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
            exclude: [
              '**/*.gpu.test.ts',
              '**/*.browser.test.ts',
              '**/*.driver.test.ts',
              '**/*.mpi.test.ts',
              '**/node_modules/**',
            ],
          },
        },
        // One adapter: GPU files run one after another.
        kind('webgpu', '{src,test}/**/*.gpu.test.ts', { testTimeout: 120_000, env: { NODE_OPTIONS: quietWaits } }),
        kind('browser', '{src,test}/**/*.browser.test.ts', {
          testTimeout: 180_000,
          hookTimeout: 180_000,
        }),
        ...(hasEngines
          ? [
              kind('engines', '{src,test}/**/*.driver.test.ts', {
                testTimeout: 180_000,
                hookTimeout: 180_000,
              }),
            ]
          : []),
        // Ranks wait for each other, so a busy machine slows them by more than its load.
        ...(hasMpi ? [kind('mpi', '{src,test}/**/*.mpi.test.ts', { testTimeout: 240_000, hookTimeout: 240_000 })] : []),
      ],
    },
  });
}
