import { expect, it } from 'vitest';
import { nextBatch } from './batch.ts';
import { PackedRows, packedSource } from './packed-rows.ts';
import { SequenceOrder } from './sequence-order.ts';
import { tokensInMemory } from './token-source.ts';

/** Ids count up from `first`; the last `answers` of them are learned. */
const example = (first: number, length: number, answers: number) => ({
  ids: Int32Array.from({ length }, (_, i) => first + i),
  isAnswer: Uint8Array.from({ length }, (_, i) => (i >= length - answers ? 1 : 0)),
});

it('PackedRows > targets are the next token of an answer, within one conversation', () => {
  const rows = new PackedRows([example(10, 4, 2), example(20, 3, 1)], 7);
  expect([rows.count, rows.targets, rows.shortened, rows.leftOut]).toEqual([1, 3, 0, 0]);
  const { ids, targets, docRange } = rows.row(0);
  expect([...ids]).toEqual([10, 11, 12, 20, 21, 0, 0]);
  expect([...targets]).toEqual([-100, 12, 13, -100, 22, -100, -100]);
  const ranges = Array.from({ length: 7 }, (_, t) => [docRange[2 * t], docRange[2 * t + 1]].join());
  expect(ranges).toEqual(['0,3', '0,3', '0,3', '3,5', '3,5', '5,7', '5,7']);
});

it('PackedRows > no conversation is cut by a row, and every answer is there once', () => {
  const examples = Array.from({ length: 97 }, (_, i) => example(i * 100, 2 + ((i * 7) % 29), 1 + (i % 2)));
  const rows = new PackedRows(examples, 31);
  const seen: number[] = [];
  for (let i = 0; i < rows.count; i++) {
    const { ids, targets, docRange } = rows.row(i);
    for (let t = 0; t < 31; t++) {
      if (targets[t] === -100) continue;
      seen.push(targets[t]);
      expect(targets[t]).toBe(ids[t] + 1);
      expect(ids[docRange[2 * t]] % 100).toBe(0);
    }
  }
  const wanted = examples.flatMap(({ ids, isAnswer }) => [...ids].filter((_, i) => i > 0 && isAnswer[i] === 1));
  expect(seen.sort((a, b) => a - b)).toEqual(wanted);
  const positions = examples.reduce((sum, { ids }) => sum + ids.length - 1, 0);
  expect(rows.count).toBeLessThanOrEqual(Math.ceil(positions / 31) + 1);
});

it('PackedRows > what is too long loses its end, or is left out where no answer remains', () => {
  const rows = new PackedRows([example(0, 9, 6), example(100, 9, 2), example(200, 3, 3)], 5);
  expect([rows.count, rows.shortened, rows.leftOut]).toEqual([2, 1, 1]);
  expect([...rows.row(0).ids]).toEqual([0, 1, 2, 3, 4]);
  expect([...rows.row(0).targets]).toEqual([-100, -100, 3, 4, 5]);
  // The first token of all is predicted from nothing, so it is no target.
  expect([...rows.row(1).targets]).toEqual([201, 202, -100, -100, -100]);
});

it('packed source > an epoch visits every row once; beside plain text, rows of text are one document', async () => {
  const rows = new PackedRows(
    Array.from({ length: 6 }, (_, i) => example(100 * i, 5, 2)),
    5,
  );
  const sources = [
    packedSource('chat', rows),
    tokensInMemory(
      'text',
      Array.from({ length: 60 }, (_, i) => i),
    ),
  ];
  const alone = new SequenceOrder([{ source: sources[0], weight: 1 }], 5, 3, true);
  const { places } = alone.draw(alone.start(), 12);
  expect(
    places
      .slice(0, 6)
      .map(({ start }) => start / 5)
      .sort(),
  ).toEqual([0, 1, 2, 3, 4, 5]);
  expect(
    places
      .slice(6)
      .map(({ start }) => start / 5)
      .sort(),
  ).toEqual([0, 1, 2, 3, 4, 5]);
  const order = new SequenceOrder(
    sources.map((source) => ({ source, weight: 1 })),
    5,
    3,
    true,
  );
  const batch = await nextBatch({ sources, order, B: 2, T: 5, separator: null }, order.start());
  expect([...batch.docRange!.subarray(0, 4)]).toEqual([0, 4, 0, 4]);
  expect([...batch.docRange!.subarray(10, 14)]).toEqual([0, 5, 0, 5]);
  expect([...(await sources[0].read(3, 4))]).toEqual([3, 0, 100, 101]);
});

it('packedSource > refuses conversations without a learned token', () => {
  expect(() => packedSource('chat', new PackedRows([example(0, 9, 2)], 5))).toThrow(
    /data: chat must hold a conversation/,
  );
});
