import { oneOf, paramOf } from '../shell/hash-params.ts';

/** The steps of the lesson, in order. */
export const LESSON = ['train', 'look', 'ask', 'compare'] as const;
export type LessonStep = (typeof LESSON)[number];

/** What a step is called. */
export const STEP_TITLES: Readonly<Record<LessonStep, string>> = {
  train: 'Train',
  look: 'Look',
  ask: 'Ask',
  compare: 'Compare',
};

const PAGE_OF: Readonly<Record<LessonStep, string>> = {
  train: 'train',
  look: 'attention',
  ask: 'train',
  compare: 'train',
};

/** The address of a step: the page that it happens on, which any link or bookmark may hold. */
export const lessonHash = (step: LessonStep): string => `#/${PAGE_OF[step]}?lesson=${step}`;

/** The step that an address is at; null outside the lesson. */
export function lessonStepOf(hash: string): LessonStep | null {
  const said = paramOf(hash, 'lesson');
  return said === null ? null : oneOf(LESSON)(said);
}

const KEY = 'moda-lesson';

/** The step at which the lesson was left; null when it was not begun, or was finished. */
export function keptStep(): LessonStep | null {
  try {
    return oneOf(LESSON)(localStorage.getItem(KEY) ?? '');
  } catch {
    // A browser that forbids storage has the address alone.
    return null;
  }
}

/** Keeps the step for whoever leaves; null forgets it. */
export function keepStep(step: LessonStep | null): void {
  try {
    if (step === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, step);
  } catch {
    // See `keptStep`.
  }
}
