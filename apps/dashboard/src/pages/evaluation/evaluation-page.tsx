import { useMemo } from 'preact/hooks';
import './evaluation.css';
import { useAddress } from '../../shell/address.ts';
import { chosenFiles, useDroppedFiles } from '../../ui/use-dropped-files.ts';
import { PAPER_CITATION, PAPER_TABLES } from './paper-tables.ts';
import { PerplexitySection } from './perplexity-section.tsx';
import { StudySection } from './study-section.tsx';
import { TaskSection } from './task-section.tsx';
import { type EvaluationFiles, useEvaluationFiles } from './use-evaluation-files.ts';

/** Results of tasks and perplexity by domain, beside the paper's Tables 3 to 6. */
export function EvaluationPage() {
  const evaluation = useEvaluationFiles();
  const [tables, setTables] = useAddress('paper', PAPER_TABLES[0].id, (text) => text);
  const shown = useMemo(() => tables.split(','), [tables]);
  const papers = useMemo(() => PAPER_TABLES.filter(({ id }) => shown.includes(id)), [shown]);
  useDroppedFiles((added) => void evaluation.add(added));
  const toggle = (id: string): void =>
    setTables((shown.includes(id) ? shown.filter((other) => other !== id) : [...shown, id]).join(','));
  return (
    <section>
      <h1>Evaluation</h1>
      <p>Your models on tasks and texts, with standard errors, beside the figures of the paper.</p>
      <div class="row">
        <label class="button primary">
          Add results
          <input
            type="file"
            accept=".json,application/json"
            multiple
            onChange={({ currentTarget }) => {
              void evaluation.add(chosenFiles(currentTarget));
              currentTarget.value = '';
            }}
          />
        </label>
        <ServedResults evaluation={evaluation} />
        <fieldset class="choices">
          <legend class="field-label">Columns of the paper</legend>
          {PAPER_TABLES.map(({ id, title }) => (
            <button key={id} type="button" aria-pressed={shown.includes(id)} onClick={() => toggle(id)}>
              {title}
            </button>
          ))}
        </fieldset>
      </div>
      <AddedFiles evaluation={evaluation} />
      {evaluation.files.map((file) => file.kind === 'study' && <StudySection key={file.id} study={file.study} />)}
      <TaskSection files={evaluation.files} papers={papers} />
      <PerplexitySection files={evaluation.files} papers={papers} />
      <p class="note">
        ± is one standard error. ▲ better and ▼ worse than the baseline; * where p is below 0.05, by a bootstrap over
        the documents when both files hold them, else by the two standard errors. The paper prints no errors, so
        differences to its columns carry no star. Figures of the paper: {PAPER_CITATION}.
      </p>
    </section>
  );
}

function ServedResults({ evaluation: { files, served, addServed } }: { readonly evaluation: EvaluationFiles }) {
  const rest = served.filter((path) => !files.some(({ id }) => id === `file:${path}`));
  if (rest.length === 0) return null;
  return (
    <label class="field">
      <span class="field-label">Results of the runs served here</span>
      <select value="" onChange={({ currentTarget }) => void addServed(currentTarget.value)}>
        <option value="">Add…</option>
        {rest.map((path) => (
          <option key={path} value={path}>
            {path}
          </option>
        ))}
      </select>
    </label>
  );
}

function AddedFiles({ evaluation: { files, failures, isReading, remove } }: { readonly evaluation: EvaluationFiles }) {
  return (
    <>
      {failures.length > 0 && (
        <div class="failure" role="alert">
          {failures.map((message) => (
            <p key={message}>
              <strong>Not added.</strong> {message}
            </p>
          ))}
        </div>
      )}
      {isReading && (
        <p class="progress" role="status">
          Reading…
        </p>
      )}
      {files.length === 0 && !isReading && (
        <p class="empty">
          No results yet: the tables hold the paper’s models alone. Drop files of <code>moda eval --output</code>,{' '}
          <code>moda eval perplexity --output</code>, lm-evaluation-harness, or the <code>study.json</code> of{' '}
          <code>moda study</code> anywhere on this page.
        </p>
      )}
      {files.length > 0 && (
        <ul class="files" aria-label="Added files">
          {files.map(({ id, name, place, kind }) => (
            <li key={id}>
              {name}{' '}
              <span class="note">
                {kind}, {place}
              </span>
              <button type="button" class="quiet icon-button" aria-label={`Remove ${name}`} onClick={() => remove(id)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
