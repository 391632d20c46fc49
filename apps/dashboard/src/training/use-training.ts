import { useEffect, useState } from 'preact/hooks';
import { onTrainingChange, trainingView } from './training-store.ts';
import type { TrainingView } from './training-view.ts';

/** What the training worker has told so far, anew with each change. */
export function useTraining(): TrainingView {
  const [view, setView] = useState(trainingView);
  useEffect(() => {
    const follow = (): void => setView(trainingView());
    follow();
    return onTrainingChange(follow);
  }, []);
  return view;
}
