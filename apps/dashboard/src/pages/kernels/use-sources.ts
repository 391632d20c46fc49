import { BENCH_SCHEMA, type BenchResult } from '@modajs/bench';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { type BenchSource, sourcesOf } from '../../kernels/bench-source.ts';
import type { BenchView } from '../../kernels/bench-view.ts';
import { type NamedResult, namedResults, storedResults } from '../../kernels/stored-results.ts';
import type { AddedFile } from '../../ui/use-dropped-files.ts';

/** What can be compared: this device, the repository's results, and files that were added. */
export interface Sources {
  readonly sources: readonly BenchSource[];
  readonly isLoading: boolean;
  readonly failures: readonly string[];
  add(files: readonly AddedFile[]): Promise<void>;
}

/** The rows of this page as a benchmark file; null before the device is open. */
export function ownResult({ environment, ceilings, rows }: BenchView): BenchResult | null {
  if (environment === null) return null;
  const none = { copyBytesPerSecond: null, flopsPerSecond: {} };
  return { schema: BENCH_SCHEMA, date: new Date().toISOString(), environment, ceilings: ceilings ?? none, rows };
}

/** Sources, this device first. */
export function useSources(view: BenchView): Sources {
  const [stored, setStored] = useState<readonly NamedResult[] | null>(null);
  const [added, setAdded] = useState<readonly NamedResult[]>([]);
  const [failures, setFailures] = useState<readonly string[]>([]);
  useEffect(() => {
    storedResults().then(setStored, (error: Error) => {
      setStored([]);
      setFailures((before) => [...before, `Stored results: ${error.message}`]);
    });
  }, []);
  const add = useCallback(async (files: readonly AddedFile[]) => {
    for (const { path, file } of files) {
      try {
        const results = namedResults(path, JSON.parse(await file.text()));
        setAdded((before) => [...before.filter((other) => other.file !== path), ...results]);
      } catch (error) {
        setFailures((before) => [...before, `${path}: ${(error as Error).message}`]);
      }
    }
  }, []);
  const sources = useMemo(() => {
    const own = ownResult(view);
    let firstColour = 0;
    const take = (result: BenchResult, origin: string, isOwn: boolean, mark = ''): BenchSource[] => {
      const found = sourcesOf(result, { origin, isOwn, firstColour, mark });
      firstColour += found.length;
      return found;
    };
    const files = [...added, ...(stored ?? [])];
    return [
      ...(own === null ? [] : take(own, 'this page', true)),
      ...files.flatMap(({ file, result }, i) => {
        const sameFile = files.filter((other) => other.file === file);
        const place = sameFile.length > 1 ? `, run ${sameFile.findIndex((other) => other.result === result) + 1}` : '';
        return take(result, `${file} ${i + 1}`, false, `, ${file.replace(/\.json$/, '')}${place}`);
      }),
    ];
  }, [view.rows, view.environment, view.ceilings, stored, added]);
  return { sources, isLoading: stored === null, failures, add };
}
