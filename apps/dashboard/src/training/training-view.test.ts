import { describe, expect, it } from 'vitest';
import { IDLE, nextView, type TrainingAction, type TrainingView } from './training-view.ts';

const after = (...actions: TrainingAction[]): TrainingView => actions.reduce(nextView, IDLE);
const steps = (...rows: readonly (readonly [number, number])[]): TrainingAction => ({
  kind: 'events',
  events: rows.map(([step, loss]) => ({
    kind: 'event',
    variant: 'moda',
    event: { kind: 'step', row: { step, loss }, steps: 9 },
  })),
});

describe('nextView', () => {
  it('keeps the newer rows when a run goes on from a checkpoint before its end', () => {
    const view = after(steps([1, 5], [2, 4], [3, 3]), { kind: 'lost', message: 'gone' }, steps([2, 4.5], [3, 3.5]));
    expect(view.rows.moda).toEqual([
      { step: 1, loss: 5 },
      { step: 2, loss: 4.5 },
      { step: 3, loss: 3.5 },
    ]);
    expect(view).toMatchObject({ phase: 'lost', error: 'gone' });
  });

  it('gives each piece of an answer to its turn and model', () => {
    const ask = (variant: 'moda' | 'baseline'): TrainingAction => ({
      kind: 'asked',
      request: {
        kind: 'generate',
        turn: 7,
        variant,
        shown: 'Hi',
        prompt: 'Before Hi',
        maxNewTokens: 3,
        temperature: 0,
      },
    });
    const view = after(
      ask('moda'),
      ask('baseline'),
      { kind: 'text', turn: 7, variant: 'moda', piece: 'a', isLast: false },
      { kind: 'text', turn: 7, variant: 'moda', piece: 'b', isLast: true },
      { kind: 'text', turn: 6, variant: 'baseline', piece: 'x', isLast: false },
    );
    expect(view.chat).toEqual([
      { turn: 7, prompt: 'Hi', answers: { moda: 'ab', baseline: '' }, isWriting: { moda: false, baseline: true } },
    ]);
  });
});
