import { describe, expect, it } from 'vitest';
import { createSchedule } from './create-schedule.ts';
import { constant, cosine, linearDecay, type Schedule, warmup } from './schedule.ts';

const values = (schedule: Schedule, steps: number): number[] => Array.from({ length: steps }, (_, i) => schedule(i));

describe('schedules', () => {
  it.each([0, 1, 7, 10, 100])(
    "a run's settings name the same schedules, bit for bit [warm-up %i of 100]",
    (warmupSteps) => {
      const options = { steps: 100, warmupSteps, finalLrRatio: 0.1, decayShare: 0.2 };
      const left = 100 - warmupSteps;
      const byHand = {
        cosine: warmup(warmupSteps).then(cosine(left, { final: 0.1 })),
        linear: warmup(warmupSteps).then(linearDecay(left, { final: 0.1 })),
        constant: warmup(warmupSteps).then(constant()),
        wsd: warmup(warmupSteps)
          .then(constant(Math.max(0, 80 - warmupSteps)))
          .then(linearDecay(Math.min(20, left), { final: 0.1 })),
      };
      for (const kind of ['cosine', 'linear', 'constant', 'wsd'] as const) {
        expect(values(createSchedule({ ...options, kind }), 120)).toEqual(values(byHand[kind], 120));
      }
    },
  );

  it('are the formulas of the paper of OLMo 2 and of torch: linear warm-up, half a cosine', () => {
    const schedule = warmup(4).then(cosine(5));
    expect(values(schedule, 4)).toEqual([0.25, 0.5, 0.75, 1]);
    const expected = [0, 1, 2, 3, 4].map((i) => (1 + Math.cos((Math.PI * i) / 4)) / 2);
    for (let i = 0; i < 5; i++) expect(schedule(4 + i)).toBeCloseTo(expected[i], 15);
    expect(schedule(1000)).toBe(schedule(8));
    expect(schedule.steps).toBe(9);
  });

  it('say what they want instead of what came', () => {
    expect(() => warmup(0.5)).toThrow(/warmup: steps must be a whole number >= 0, got 0.5/);
    expect(() => cosine(-1)).toThrow(/cosine: steps/);
    expect(() => cosine(10, { final: 2 })).toThrow(/cosine: final must be a number in 0..1, got 2/);
    expect(() => cosine(10, { end: 0.1 } as never)).toThrow(/cosine: unknown option end.*Options must be among final/);
    expect(() => warmup(3)(1.5)).toThrow(/schedule: step must be a whole number/);
    expect(() => constant().then(cosine(3))).toThrow(/schedule.then: the schedule before it must end/);
    expect(() => warmup(3).then(0.5 as never)).toThrow(/next must be a schedule, got 0.5/);
  });

  it('are no promises, and say so where one is awaited', async () => {
    await expect((async () => warmup(3))()).rejects.toThrow(/A schedule is no promise/);
  });
});
