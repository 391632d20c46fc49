import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test says which devices it ran on in its name, in brackets: `matmul > forward [webgpu]`. */
const DEVICES = ['webgpu', 'cpu', 'reference', 'browser', 'null'];

/**
 * Counts finished tests by device and writes `.test-results/summary.json`:
 * `{ passed, failed, skipped, byDevice: { [device]: { passed, failed } }, notRun: { [need]: names }, partlyRun: { [need]: names } }`,
 * where `need` is what the machine's adapter lacks (adapter-needs.js), `skipped` counts tests without such a reason and `skippedNames`
 * has their names; `unfinished` has those whose process died before they ended.
 * A test without a device tag counts as its project (`node` is reported as `no device`).
 */
export default class DeviceReporter {
  counts = {
    passed: 0,
    failed: 0,
    skipped: 0,
    byDevice: {},
    notRun: {},
    partlyRun: {},
    skippedNames: [],
    unfinished: [],
  };

  onTestCaseResult(testCase) {
    const { state, note } = testCase.result();
    if (state !== 'passed' && state !== 'failed') {
      const [, need] = /^the adapter lacks (\w+)$/.exec(note ?? '') ?? [];
      if (need) this.#list('notRun', need, testCase);
      else {
        this.counts.skipped++;
        this.counts.skippedNames.push(testCase.fullName);
      }
      return;
    }
    const { partNotRun } = testCase.meta();
    if (partNotRun) this.#list('partlyRun', partNotRun, testCase);
    this.counts[state]++;
    const tagged = DEVICES.filter((device) => testCase.fullName.includes(`[${device}`));
    const project = testCase.project.name;
    const devices = tagged.length > 0 ? tagged : [project === 'node' ? 'no device' : project];
    for (const device of devices) {
      this.counts.byDevice[device] ??= { passed: 0, failed: 0 };
      this.counts.byDevice[device][state]++;
    }
  }

  #list(kind, need, { fullName }) {
    this.counts[kind][need] ??= [];
    this.counts[kind][need].push(fullName);
  }

  onTestRunEnd(modules) {
    for (const module of modules)
      for (const testCase of module.children.allTests('pending')) this.counts.unfinished.push(testCase.fullName);
    const folder = join(process.cwd(), '.test-results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'summary.json'), `${JSON.stringify(this.counts, null, 2)}\n`);
  }
}
