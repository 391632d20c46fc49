import { useEffect, useState } from 'preact/hooks';
import { benchView, onBenchChange } from './bench-store.ts';
import type { BenchView } from './bench-view.ts';

/** The benchmarks of this window, anew with each change. */
export function useBench(): BenchView {
  const [view, setView] = useState(benchView);
  useEffect(() => {
    const follow = (): void => setView(benchView());
    follow();
    return onBenchChange(follow);
  }, []);
  return view;
}
