import { describe, expect, it } from 'vitest';
import { nextTuneView, type TuneAction, type TuneView, UNTUNED } from './tune-view.ts';

const after = (...actions: TuneAction[]): TuneView => actions.reduce(nextTuneView, UNTUNED);
const asked: TuneAction = { kind: 'asked', settings: { preset: 'matmul', scale: 'smoke' } };
const ready: TuneAction = { kind: 'ready', device: 'a card', classes: 2, candidates: 5 };
const measuring: TuneAction = { kind: 'measuring', what: 'a candidate' };
const outcome = { shapeClass: 'few', defaultMs: 2, bestMs: 1, config: { kind: 'naive' }, rejected: [] } as const;

describe('nextTuneView', () => {
  it('counts the candidates before the one in progress', () => {
    expect(after(asked, ready, measuring)).toMatchObject({ phase: 'measuring', done: 0, candidates: 5 });
    expect(after(asked, ready, measuring, measuring, measuring)).toMatchObject({ done: 2, current: 'a candidate' });
  });

  it('keeps finished classes when it is cancelled or the device goes away, and none when it starts again', () => {
    const found = [asked, ready, measuring, { kind: 'outcome', outcome }] as const;
    expect(after(...found, { kind: 'cancelling' }, { kind: 'ended' })).toMatchObject({
      phase: 'cancelled',
      outcomes: [outcome],
    });
    expect(after(...found, { kind: 'lost', message: 'gone' })).toMatchObject({ phase: 'lost', error: 'gone' });
    expect(after(...found, { kind: 'finished', cancelled: false }).outcomes).toEqual([outcome]);
    expect(after(...found, { kind: 'finished', cancelled: false }, asked).outcomes).toEqual([]);
    expect(after(...found, { kind: 'forgotten' })).toEqual(UNTUNED);
  });
});
