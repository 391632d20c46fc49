import { describe, expect, it } from 'vitest';
import { LossScaler } from '../optim/loss-scaler.ts';
import { initialSpikeGuard, nextSpikeGuard, spikeThreshold } from './spike-guard.ts';

describe('LossScaler', () => {
  it('halves on overflow, never below 1, and doubles after enough clean steps', () => {
    const scaler = new LossScaler({ initial: 4, growthInterval: 3 });
    for (let i = 0; i < 4; i++) scaler.update(false);
    expect(scaler.state).toEqual({ scale: 1, cleanSteps: 0, skipped: 4 });
    for (let i = 0; i < 3; i++) scaler.update(true);
    expect(scaler.state).toEqual({ scale: 2, cleanSteps: 0, skipped: 4 });
    for (let i = 0; i < 90; i++) scaler.update(true);
    expect(scaler.value).toBe(2 ** 24);
  });

  it('continues from a saved state, and says what it wants instead of a number', () => {
    const scaler = new LossScaler({ growthInterval: 2 });
    scaler.loadState({ scale: 8, cleanSteps: 1, skipped: 5 });
    scaler.update(true);
    expect(scaler.state).toEqual({ scale: 16, cleanSteps: 0, skipped: 5 });
    expect(() => scaler.update(3 as never)).toThrow(/lossScaler.update: wasFinite must be true or false, got 3/);
    expect(() => scaler.loadState({ scale: NaN, cleanSteps: 0, skipped: 0 })).toThrow(/state.scale/);
    expect(() => new LossScaler({ initial: 0 })).toThrow(/lossScaler: initial/);
  });
});

describe('spike guard', () => {
  it('opens no threshold before it has settled, then follows the mean', () => {
    let state = initialSpikeGuard;
    for (let i = 0; i < 49; i++) state = nextSpikeGuard(state, 2, false);
    expect(spikeThreshold(state, 3)).toBe(Infinity);
    state = nextSpikeGuard(state, 2, false);
    expect(spikeThreshold(state, 3)).toBeCloseTo(6, 12);
    expect(spikeThreshold(state, null)).toBe(Infinity);
    expect(nextSpikeGuard(state, NaN, true)).toEqual({ ...state, events: 1 });
  });
});
