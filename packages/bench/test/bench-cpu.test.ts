import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BenchRow,
  benchEnvironment,
  benchPresets,
  createBenchResult,
  deviceTraits,
  readBenchResults,
  runBench,
} from '../src/index.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

describe('runBench [cpu]', () => {
  it.each(['matmul', 'attention', 'moda'] as const)('measures rows of %s, right against f64', async (preset) => {
    const rows: BenchRow[] = [];
    const jobs = benchPresets[preset](deviceTraits(device), 'smoke');
    for await (const row of runBench(jobs, device, { scale: 'smoke' })) rows.push(row);
    expect(rows.filter(({ status }) => status !== 'measured')).toEqual([]);
    for (const { id, errors, tolerance, dtype, timedBy } of rows) {
      for (const error of Object.values(errors)) expect(error, id).toBeLessThanOrEqual(tolerance);
      expect([dtype, timedBy]).toEqual(['f32', 'wall']);
    }
    const environment = benchEnvironment(device, { robustness: 'off' });
    expect(environment.robustness).toBeNull();
    const file = createBenchResult(environment, { copyBytesPerSecond: 1, flopsPerSecond: {} }, rows);
    expect(readBenchResults(JSON.parse(JSON.stringify(file)))).toEqual([JSON.parse(JSON.stringify(file))]);
  });

  it('says that the steps of the ablation need WebGPU', async () => {
    const jobs = benchPresets.ablation(deviceTraits(device), 'smoke').slice(0, 1);
    for await (const row of runBench(jobs, device, { scale: 'smoke' })) {
      expect(row).toMatchObject({
        status: 'failed',
        reason: expect.stringContaining('needs a WebGPU device, got cpu'),
      });
    }
  });
});
