import { describe, expect, it } from 'vitest';
import { createSchedule, type ScheduleOptions } from './create-schedule.ts';

const learningRateRatio = (step: number, options: ScheduleOptions): number => createSchedule(options)(step);

const base: ScheduleOptions = { kind: 'cosine', steps: 101, warmupSteps: 11, finalLrRatio: 0.1, decayShare: 0.2 };

describe('createSchedule', () => {
  it.each(['cosine', 'linear', 'wsd', 'constant'] as const)('%s warms up linearly to the peak', (kind) => {
    expect(learningRateRatio(0, { ...base, kind })).toBeCloseTo(1 / 11, 12);
    expect(learningRateRatio(10, { ...base, kind })).toBe(1);
  });

  it.each(['cosine', 'linear', 'wsd'] as const)('%s ends at the final ratio and stays there', (kind) => {
    expect(learningRateRatio(100, { ...base, kind })).toBeCloseTo(0.1, 12);
    expect(learningRateRatio(1000, { ...base, kind })).toBeCloseTo(0.1, 12);
  });

  it('refuses a kind that is none, from the first step on', () => {
    for (const step of [0, 50, 100]) {
      expect(() => learningRateRatio(step, { ...base, kind: 'polynomial' as never })).toThrow(
        /schedule.kind: .* got 'polynomial'/,
      );
    }
  });

  it('cosine is halfway down in the middle of its decay', () => {
    expect(learningRateRatio(55, { ...base, steps: 100, warmupSteps: 11 })).toBeCloseTo(0.55, 12);
  });

  it('wsd stays at the peak until its decay share', () => {
    expect(learningRateRatio(80, { ...base, kind: 'wsd' })).toBe(1);
    expect(learningRateRatio(91, { ...base, kind: 'wsd' })).toBeCloseTo(0.1 + 0.9 * (9 / 19), 2);
  });

  it('never leaves 0..1, with no warm-up and with nothing but warm-up', () => {
    for (const warmupSteps of [0, 1, 5]) {
      for (let step = 0; step < 8; step++) {
        const ratio = learningRateRatio(step, { ...base, steps: 5, warmupSteps });
        expect(ratio).toBeGreaterThan(0);
        expect(ratio).toBeLessThanOrEqual(1);
      }
    }
  });
});
