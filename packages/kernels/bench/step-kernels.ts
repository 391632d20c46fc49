/**
 * Times, alone, the kernels that MoDA adds to a training step, at the shapes of the models in README's training table:
 * `once` between the timestamps of a pass of its own, as `bench:step --profile` does (5 us or so of it are the pass), `row` as one of
 * many dispatches of one pass, each waiting for the one before, as in a step (small operands stay in the cache then).
 * GB/s count the bytes that must move at least once, over `row`.
 *
 * pnpm --filter @modajs/kernels bench:step [--models small] [--only depth] [--variants] [--matmul]
 */
import { parseArgs } from 'node:util';
import { BUFFER_USAGE, MAP_MODE_READ } from '../src/executor/gpu-flags.ts';
import { preparePlan } from '../src/executor/prepare-plan.ts';
import { type Dispatch, encodeDispatches } from '../src/executor/prepared-dispatches.ts';
import type { KernelPass } from '../src/plan/plan.ts';
import { openTestDevice, type TestDevice } from '../test/device.ts';
import { type Case, MODELS, stepCases } from './step-kernel-cases.ts';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'small,study-24,moda-700m' },
    /** Part of a case's name. */
    only: { type: 'string', default: '' },
    /** Other shapes of kernels, too. */
    variants: { type: 'boolean', default: false },
    /** Tokens instead of the model's own, to try the program out. */
    tokens: { type: 'string' },
    /** The products of a slot's projection in every configuration. */
    matmul: { type: 'boolean', default: false },
  },
});

const MAX_PASSES = 16;
const IN_A_ROW = 20;
const WARM_UP_MS = 60;

/** Microseconds of each pass of a plan: the median of those timed once, and one of many in a row. */
async function timePlan(test: TestDevice, { plan, operandBytes }: Case) {
  const { device } = test;
  const temporary: GPUBuffer[] = [];
  const buffer = (size: number, usage: number) => {
    const made = device.createBuffer({ size: Math.ceil(size / 16) * 16, usage });
    temporary.push(made);
    return made;
  };
  const named = new Map(
    Object.entries({ ...operandBytes, ...plan.workspace }).map(([name, size]) => [
      name,
      buffer(size, BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_DST),
    ]),
  );
  const results: { pass: KernelPass; onceUs: number; rowUs: number }[] = [];
  const { dispatches, uniforms } = await preparePlan(device, plan, (name) => named.get(name)!);
  if (uniforms) temporary.push(uniforms);
  for (const [index, pass] of plan.passes.entries()) {
    const dispatch = dispatches[index]!;
    // Clocks fall while pipelines are compiled.
    const until = performance.now() + WARM_UP_MS;
    while (performance.now() < until) await timePasses(device, [500], dispatch);
    const times = await timePasses(device, [IN_A_ROW, ...Array(MAX_PASSES - 1).fill(1), IN_A_ROW], dispatch);
    const once = times.slice(1, -1).sort((a, b) => a - b);
    results.push({ pass, onceUs: once[once.length >> 1]!, rowUs: times.at(-1)! / IN_A_ROW });
  }
  for (const made of temporary) made.destroy();
  return results;
}

/** Microseconds of passes with so many dispatches. */
async function timePasses(device: GPUDevice, counts: readonly number[], dispatch: Dispatch): Promise<number[]> {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * counts.length });
  const size = 16 * counts.length;
  const resolved = device.createBuffer({ size, usage: BUFFER_USAGE.QUERY_RESOLVE | BUFFER_USAGE.COPY_SRC });
  const staging = device.createBuffer({ size, usage: BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST });
  const encoder = device.createCommandEncoder();
  counts.forEach((count, i) => {
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
    const compute = encoder.beginComputePass({ timestampWrites });
    encodeDispatches(compute, Array<Dispatch>(count).fill(dispatch));
    compute.end();
  });
  encoder.resolveQuerySet(querySet, 0, 2 * counts.length, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(MAP_MODE_READ);
  const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
  for (const owned of [querySet, resolved, staging]) owned.destroy();
  return counts.map((_, i) => Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1000);
}

// As training runs on Node: without bounds checks.
const test = await openTestDevice({ enable: ['disable_robustness'] });
const { description, device: deviceName } = test.adapter;
console.log(`${deviceName} ${description}`);
console.log(' once us   row us     GB/s  workgroups  case: kernel');
for (const name of options.models.split(',')) {
  const whole = MODELS[name];
  if (!whole) throw new Error(`step-kernels: models must be of ${Object.keys(MODELS).join(', ')}, got '${name}'.`);
  const few = options.tokens === undefined ? {} : { B: 1, T: Number(options.tokens), gradients: [2 ** 16] };
  const model = { ...whole, ...few };
  const cases = stepCases(model, test.capabilities, options);
  for (const own of cases.filter((one) => one.name.includes(options.only))) {
    const times = await timePlan(test, own);
    const rowUs = times.reduce((sum, time) => sum + time.rowUs, 0);
    for (const [index, { pass, onceUs, rowUs: own_ }] of times.entries()) {
      const speed = index === 0 ? (own.bytes / rowUs / 1000).toFixed(0) : '';
      const groups = pass.workgroups.reduce((product, n) => product * n, 1);
      const cells = [
        onceUs.toFixed(1).padStart(8),
        own_.toFixed(1).padStart(8),
        speed.padStart(8),
        `${groups}`.padStart(11),
      ];
      console.log(`${cells.join(' ')}  ${name} ${own.name}: ${pass.label}`);
    }
  }
}
await test.check();
test.close();
process.exit(0);
