import { expect, it } from 'vitest';
import { pageOf } from '../shell/pages.ts';
import { LESSON, lessonHash, lessonStepOf } from './lesson.ts';

it('every step of the lesson has an address on a page that is there, and comes back from it', () => {
  for (const step of LESSON) {
    expect(lessonStepOf(lessonHash(step))).toBe(step);
    expect(lessonHash(step)).toContain(`#/${pageOf(lessonHash(step)).path}?`);
  }
  expect(['#/train', '#/train?lesson=', '#/train?lesson=nothing', ''].map(lessonStepOf)).toEqual([
    null,
    null,
    null,
    null,
  ]);
});
