import { useMemo, useState } from 'preact/hooks';
import { useAddress } from '../../shell/address.ts';
import { oneOf } from '../../shell/hash-params.ts';
import { Comparison } from './comparison.tsx';
import type { EvaluationFile } from './evaluation-file.ts';
import type { PaperTable } from './paper-tables.ts';
import { baselineOf } from './scores.ts';
import { metricsOf, taskTable } from './task-scores.ts';
import { useComparisons } from './use-comparisons.ts';

interface SectionProps {
  readonly files: readonly EvaluationFile[];
  readonly papers: readonly PaperTable[];
}

/** Tasks x models. */
export function TaskSection({ files, papers }: SectionProps) {
  const own = useMemo(() => files.filter((file) => file.kind === 'tasks'), [files]);
  const metrics = useMemo(() => metricsOf(own), [own]);
  const [metric, setMetric] = useAddress('metric', 'primary', oneOf(metrics));
  const [showMembers, setShowMembers] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const table = useMemo(() => taskTable(own, { papers, metric, showMembers }), [own, papers, metric, showMembers]);
  const baseline = baselineOf(table, asked);
  const comparisons = useComparisons(own, baseline, metric);
  if (table.rows.length === 0) return null;
  return (
    <Comparison
      caption="Tasks, accuracy in per cent"
      rowName="Task"
      fileName="evaluation-tasks"
      {...{ table, baseline, comparisons, setAsked }}
    >
      {own.length > 0 && (
        <>
          <label class="field">
            <span class="field-label">Metric</span>
            <select value={metric} onChange={({ currentTarget }) => setMetric(currentTarget.value)}>
              {metrics.map((name) => (
                <option key={name} value={name}>
                  {name === 'primary' ? 'each task’s own' : name}
                </option>
              ))}
            </select>
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={showMembers}
              onChange={({ currentTarget }) => setShowMembers(currentTarget.checked)}
            />
            Subjects of groups
          </label>
        </>
      )}
    </Comparison>
  );
}
