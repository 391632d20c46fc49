import { useMemo, useState } from 'preact/hooks';
import { Comparison } from './comparison.tsx';
import type { EvaluationFile } from './evaluation-file.ts';
import type { PaperTable } from './paper-tables.ts';
import { PERPLEXITY_UNITS, type PerplexityUnit, perplexityTable } from './perplexity-scores.ts';
import { baselineOf } from './scores.ts';
import { useComparisons } from './use-comparisons.ts';

interface SectionProps {
  readonly files: readonly EvaluationFile[];
  readonly papers: readonly PaperTable[];
}

/** Domains x models. */
export function PerplexitySection({ files, papers }: SectionProps) {
  const own = useMemo(() => files.filter((file) => file.kind === 'perplexity'), [files]);
  const [unit, setUnit] = useState<PerplexityUnit>('perplexity');
  const [asked, setAsked] = useState<string | null>(null);
  const table = useMemo(() => perplexityTable(own, papers, unit), [own, papers, unit]);
  const baseline = baselineOf(table, asked);
  const comparisons = useComparisons(own, baseline, 'perplexity');
  return (
    <Comparison
      caption={`Texts, ${PERPLEXITY_UNITS[unit]}, lower is better`}
      rowName="Domain"
      fileName="evaluation-texts"
      {...{ table, baseline, comparisons, setAsked }}
    >
      <label class="field">
        <span class="field-label">Unit</span>
        <select value={unit} onChange={({ currentTarget }) => setUnit(currentTarget.value as PerplexityUnit)}>
          {Object.entries(PERPLEXITY_UNITS).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
    </Comparison>
  );
}
