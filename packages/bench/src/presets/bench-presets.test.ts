import { describe, expect, it } from 'vitest';
import { operandBytes } from '../cost.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { memoryObstacle } from '../measure/memory-obstacle.ts';
import { benchPresets } from './bench-presets.ts';
import { TABLE_2 } from './paper-tables.ts';

const H100: DeviceTraits = {
  kind: 'webgpu',
  f16: true,
  subgroupMatrix: true,
  isSoftware: false,
  maxBufferBytes: 2 ** 40,
  maxBindingBytes: 2 ** 31 - 4,
  assumedFlops: 2e13,
};
const PHONE: DeviceTraits = {
  kind: 'webgpu',
  f16: false,
  subgroupMatrix: false,
  isSoftware: false,
  maxBufferBytes: 256 * 2 ** 20,
  maxBindingBytes: 128 * 2 ** 20,
  assumedFlops: 5e11,
};
const NAMES = Object.keys(benchPresets) as (keyof typeof benchPresets)[];

describe('benchPresets', () => {
  it.each(NAMES)('names every row of %s once, and baselines before those that need them', (name) => {
    for (const scale of ['paper', 'fit', 'smoke'] as const) {
      const jobs = benchPresets[name](PHONE, scale);
      const ids = jobs.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [index, { baseline }] of jobs.entries()) {
        if (baseline) expect(ids.slice(0, index)).toContain(baseline);
      }
    }
  });

  it.each(NAMES)('are plain JSON [%s]', (name) => {
    const jobs = benchPresets[name](H100, 'paper');
    expect(JSON.parse(JSON.stringify(jobs))).toEqual(jobs);
  });

  it.each(NAMES)('fit a phone: every buffer and binding of %s', (name) => {
    for (const job of benchPresets[name](PHONE, 'fit')) expect(memoryObstacle(job, PHONE, 2 ** 31), job.id).toBeNull();
  });

  it('hold all rows of Table 2 with the paper figures at paper scale', () => {
    const jobs = benchPresets.moda(H100, 'paper').filter(({ baseline }) => baseline);
    expect(jobs).toHaveLength(TABLE_2.length);
    for (const [index, { references }] of jobs.entries()) {
      const { modaMs, extraTime } = TABLE_2[index]!;
      expect(references![0]).toMatchObject({ timeMs: modaMs, extraTime });
    }
  });

  it('print extra times that agree with the printed milliseconds of Table 2', () => {
    for (const { fa2Ms, modaMs, extraTime } of TABLE_2) expect((modaMs - fa2Ms) / modaMs).toBeCloseTo(extraTime, 3);
  });

  it('fit an H100 at paper scale without an obstacle', () => {
    for (const name of NAMES) {
      for (const job of benchPresets[name](H100, 'paper')) expect(memoryObstacle(job, H100, 7e10), job.id).toBeNull();
    }
  });

  it('say the number and the limit of what does not fit', () => {
    const job = benchPresets.moda(H100, 'paper').at(4)!;
    const bytes = operandBytes(job)['q']!;
    expect(memoryObstacle(job, { ...H100, maxBufferBytes: bytes - 1 }, 7e10)).toBe(
      `q takes ${bytes} B; one buffer holds ${bytes - 1} B`,
    );
    expect(memoryObstacle(job, PHONE, 7e10)).toBe('needs shader-f16, which the device lacks');
  });
});
