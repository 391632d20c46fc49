import { useEffect, useRef, useState } from 'preact/hooks';
import type { FileComparison } from './certainties.ts';
import type { CompareReply, CompareRequest } from './compare-worker.ts';
import type { EvaluationFile } from './evaluation-file.ts';

/** Comparisons by file id, or null while the bootstrap runs. */
export type Comparisons = Readonly<Record<string, FileComparison>> | null;

/** Compares files with a baseline in a worker: a bootstrap over ten thousand documents takes a second. */
export function useComparisons(files: readonly EvaluationFile[], baseline: string, metric: string): Comparisons {
  const [comparisons, setComparisons] = useState<Comparisons>({});
  const worker = useRef<Worker | null>(null);
  const question = useRef(0);
  useEffect(() => () => worker.current?.terminate(), []);
  useEffect(() => {
    question.current++;
    const base = files.find(({ id }) => id === baseline);
    const others = files.filter((file) => file.kind === base?.kind && file !== base);
    if (!base || others.length === 0) {
      setComparisons({});
      return;
    }
    setComparisons(null);
    worker.current ??= new Worker(new URL('./compare-worker.ts', import.meta.url), { type: 'module' });
    worker.current.onmessage = ({ data }: MessageEvent<CompareReply>) => {
      if (data.question === question.current) setComparisons(data.comparisons);
    };
    worker.current.postMessage({ question: question.current, baseline: base, others, metric } satisfies CompareRequest);
  }, [files, baseline, metric]);
  return comparisons;
}
