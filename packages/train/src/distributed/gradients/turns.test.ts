import { expect, it } from 'vitest';
import { Turns, turnsOf } from './turns.ts';

it('operations start in the same order, whichever is ready first; the second ones of a bucket two buckets later', async () => {
  expect(turnsOf(3, 1)).toEqual(['0.0', '1.0', '2.0']);
  const order = turnsOf(4, 2);
  expect(order).toEqual(['0.0', '1.0', '2.0', '0.1', '3.0', '1.1', '2.1', '3.1']);
  for (const ready of [order, order.toReversed(), ['3.0', '0.1', '1.0', '0.0', '2.1', '3.1', '2.0', '1.1']]) {
    const turns = new Turns(order);
    const started: string[] = [];
    await Promise.all(ready.map((name) => turns.take(name, async () => void started.push(name))));
    expect(started).toEqual(order);
  }
});

it('an operation whose start throws fails, and the next ones start', async () => {
  const turns = new Turns(turnsOf(2, 1));
  const second = turns.take('1.0', async () => {});
  const first = turns.take('0.0', () => {
    throw new Error('no link');
  });
  await expect(first).rejects.toThrow('no link');
  await second;
});
