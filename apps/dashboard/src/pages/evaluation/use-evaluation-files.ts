import { useCallback, useEffect, useState } from 'preact/hooks';
import { isServed, listServedEvaluations, readServedFile } from '../../served/served-files.ts';
import type { AddedFile } from '../../ui/use-dropped-files.ts';
import { type EvaluationFile, parseEvaluationFile } from './evaluation-file.ts';

/** Files added so far, and what was wrong with others. */
export interface EvaluationFiles {
  readonly files: readonly EvaluationFile[];
  readonly failures: readonly string[];
  readonly isReading: boolean;
  readonly add: (added: readonly AddedFile[]) => Promise<void>;
  /** Paths of results below the served runs folder; empty when the page is not served by `moda dashboard`. */
  readonly served: readonly string[];
  readonly addServed: (path: string) => Promise<void>;
  readonly remove: (id: string) => void;
}

interface Source {
  readonly path: string;
  readonly text: () => Promise<string>;
}

/** Of the served results the newest are shown at once. */
const SHOWN_AT_ONCE = 4;

/** Reads results files as they are added; one added again replaces its earlier self, a bad one loses no other. */
export function useEvaluationFiles(): EvaluationFiles {
  const [files, setFiles] = useState<readonly EvaluationFile[]>([]);
  const [failures, setFailures] = useState<readonly string[]>([]);
  const [isReading, setReading] = useState(false);
  const [served, setServed] = useState<readonly string[]>([]);
  const read = useCallback(async (sources: readonly Source[]) => {
    setReading(true);
    const good: EvaluationFile[] = [];
    const bad: string[] = [];
    for (const { path, text } of sources) {
      try {
        good.push(parseEvaluationFile(path, await text()));
      } catch (error) {
        bad.push((error as Error).message);
      }
    }
    setFiles((before) => [...before.filter(({ id }) => !good.some((file) => file.id === id)), ...good]);
    setFailures(bad);
    setReading(false);
  }, []);
  const add = useCallback(
    (added: readonly AddedFile[]) =>
      read(
        added
          .filter((candidate) => isResults(candidate, added.length))
          .map(({ path, file }) => ({ path, text: () => file.text() })),
      ),
    [read],
  );
  const addServed = useCallback((path: string) => read([{ path, text: () => servedText(path) }]), [read]);
  useEffect(() => {
    if (!isServed()) return;
    listServedEvaluations()
      .then((found) => {
        setServed(found.map(({ path }) => path));
        return read(found.slice(0, SHOWN_AT_ONCE).map(({ path }) => ({ path, text: () => servedText(path) })));
      })
      .catch((error: Error) => setFailures([error.message]));
  }, [read]);
  const remove = useCallback((id: string) => setFiles((before) => before.filter((file) => file.id !== id)), []);
  return { files, failures, isReading, add, served, addServed, remove };
}

async function servedText(path: string): Promise<string> {
  const bytes = await readServedFile(path);
  if (bytes === null) throw new Error(`${path}: the file is gone. Reload the page.`);
  return new TextDecoder().decode(bytes);
}

/** Of a dropped folder only what may be results is read: a run's weights and logs are not. */
function isResults({ path }: AddedFile, count: number): boolean {
  if (count === 1) return true;
  const name = path.split('/').at(-1) ?? '';
  return (
    name.endsWith('.json') && !/^(config|tokenizer|tokenizer_config|state|samples|generation_config)\.json$/.test(name)
  );
}
