import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useHash } from '../shell/address.ts';
import { type LessonStep, lessonStepOf } from './lesson.ts';

/** The lesson's guide above the page, while the address is at one of its steps; its code loads then. */
export function LessonSlot() {
  const step = lessonStepOf(useHash());
  const [Guide, setGuide] = useState<ComponentType<{ readonly step: LessonStep }> | null>(null);
  const isIn = step !== null;
  useEffect(() => {
    if (isIn) import('./lesson-guide.tsx').then(({ LessonGuide }) => setGuide(() => LessonGuide));
  }, [isIn]);
  return step !== null && Guide !== null ? <Guide step={step} /> : null;
}
