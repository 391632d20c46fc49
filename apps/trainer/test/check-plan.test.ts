import { resolveRunConfig } from '@modajs/train';
import { expect, it } from 'vitest';
import { doubtsAbout } from '../src/run/check-plan.ts';

const doubts = (steps: number, warmupSteps: number, vocabSize: number, from: string | null = null) =>
  doubtsAbout(resolveRunConfig({ training: { steps }, schedule: { warmupSteps }, from }), { vocabSize }, 512);

it('a plan is doubted that warms up for more than a third of its steps, or has rows that no token uses', () => {
  expect(doubts(300, 100, 512)).toEqual([]);
  expect(doubts(300, 101, 512)).toEqual([
    'train: the learning rate warms up for 101 of 300 steps, more than a third. Set schedule.warmupSteps to 100 or less, or train longer.',
  ]);
  expect(doubts(2, 1, 639)).toEqual([]);
  expect(doubts(300, 0, 1024)).toEqual([
    'train: the model has rows for 1024 tokens, the tokenizer has 512: the others are never used. Set model.vocabSize=512, or train the tokenizer on more text.',
  ]);
  expect(doubts(300, 0, 1024, 'gpt2')).toEqual([]);
});
