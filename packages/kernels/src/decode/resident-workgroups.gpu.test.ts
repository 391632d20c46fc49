import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planResidentWorkgroups } from './resident-workgroups.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

describe('resident workgroups [webgpu]', () => {
  it('are counted: at least one ran, no more than were offered, and none is left', async () => {
    const plan = planResidentWorkgroups(gpu.capabilities);
    const { counts } = await runPlan(gpu.device, plan, { counts: new Uint32Array(4) });
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThanOrEqual(1);
    expect(counts[1]).toBeLessThanOrEqual(plan.passes[0]!.workgroups[0]);
  });
});
