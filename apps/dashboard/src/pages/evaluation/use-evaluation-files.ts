import { useCallback, useState } from 'preact/hooks';
import type { AddedFile } from '../../ui/use-dropped-files.ts';
import { type EvaluationFile, parseEvaluationFile } from './evaluation-file.ts';

/** Files added so far, and what was wrong with others. */
export interface EvaluationFiles {
  readonly files: readonly EvaluationFile[];
  readonly failures: readonly string[];
  readonly isReading: boolean;
  readonly add: (added: readonly AddedFile[]) => Promise<void>;
  readonly remove: (id: string) => void;
}

/** Reads results files as they are added; one added again replaces its earlier self, a bad one loses no other. */
export function useEvaluationFiles(): EvaluationFiles {
  const [files, setFiles] = useState<readonly EvaluationFile[]>([]);
  const [failures, setFailures] = useState<readonly string[]>([]);
  const [isReading, setReading] = useState(false);
  const add = useCallback(async (added: readonly AddedFile[]) => {
    setReading(true);
    const good: EvaluationFile[] = [];
    const bad: string[] = [];
    for (const { path, file } of added.filter((candidate) => isResults(candidate, added.length))) {
      try {
        good.push(parseEvaluationFile(path, await file.text()));
      } catch (error) {
        bad.push((error as Error).message);
      }
    }
    setFiles((before) => [...before.filter(({ id }) => !good.some((file) => file.id === id)), ...good]);
    setFailures(bad);
    setReading(false);
  }, []);
  const remove = useCallback((id: string) => setFiles((before) => before.filter((file) => file.id !== id)), []);
  return { files, failures, isReading, add, remove };
}

/** Of a dropped folder only what may be results is read: a run's weights and logs are not. */
function isResults({ path }: AddedFile, count: number): boolean {
  if (count === 1) return true;
  const name = path.split('/').at(-1) ?? '';
  return (
    name.endsWith('.json') && !/^(config|tokenizer|tokenizer_config|state|samples|generation_config)\.json$/.test(name)
  );
}
