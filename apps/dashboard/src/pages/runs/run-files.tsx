import { useEffect, useState } from 'preact/hooks';
import { configDifferences } from '../../runs/config-differences.ts';
import type { Sample } from '../../runs/run-source.ts';
import type { ShownRun } from '../../runs/run-store.ts';
import { servedFile } from '../../served/served-files.ts';

/** Columns of a table that a person can still read. */
const MAX_RUNS = 12;

/** What a file of each run says; null while they load. Loads anew when other runs are shown. */
function useFiles<T>(runs: readonly ShownRun[], read: (run: ShownRun) => Promise<T>): readonly T[] | null {
  const [files, setFiles] = useState<readonly T[] | null>(null);
  const ids = runs.map(({ id }) => id).join('\n');
  useEffect(() => {
    let isCurrent = true;
    setFiles(null);
    Promise.all(runs.map(read)).then((found) => isCurrent && setFiles(found));
    return () => {
      isCurrent = false;
    };
  }, [ids]);
  return files?.length === runs.length ? files : null;
}

function Differences({ runs }: { readonly runs: readonly ShownRun[] }) {
  const configs = useFiles(runs, (run) => run.source.config());
  if (configs === null) return <p class="note">Loading…</p>;
  const differences = configDifferences(configs);
  if (differences.length === 0)
    return (
      <p class="note">
        {runs.length < 2 ? 'Show two runs or more to compare them.' : 'These runs have the same settings.'}
      </p>
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table-scroller" tabIndex={0} aria-label="Settings that differ">
      <table>
        <thead>
          <tr>
            <th scope="col">setting</th>
            {runs.map(({ id, name }) => (
              <th key={id} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {differences.map(({ key, values }) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              {values.map((value, i) => (
                <td key={runs[i].id}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Samples({ runs }: { readonly runs: readonly ShownRun[] }) {
  const samples = useFiles(runs, (run) => run.source.samples());
  if (samples === null) return <p class="note">Loading…</p>;
  const all = runs.flatMap((run, i) => samples[i].map((sample: Sample) => ({ run, sample })));
  if (all.length === 0) return <p class="note">No samples yet: a run writes them when it ends.</p>;
  return (
    <div class="samples">
      {all.map(({ run, sample }, i) => (
        <figure key={`${run.id} ${i}`}>
          <figcaption>{run.name}</figcaption>
          <blockquote>
            <mark>{sample.prompt}</mark>
            {sample.text}
          </blockquote>
        </figure>
      ))}
    </div>
  );
}

function Files({ runs }: { readonly runs: readonly ShownRun[] }) {
  return (
    <ul class="run-files">
      {runs.map(({ id, name, series }) => (
        <li key={id}>
          <a href={servedFile(`${id}/metrics.jsonl`)} target="_blank" rel="noreferrer">
            {name}/metrics.jsonl
          </a>
          {series && ` ${series.rows.toLocaleString('en')} rows${series.detail === 'sampled' ? ', about' : ''}`}
        </li>
      ))}
    </ul>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: () => preact.ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && children()}
    </details>
  );
}

/** What lies beside the metrics: settings that differ, samples, the files themselves. Each loads when it is opened. */
export function RunFiles({ runs }: { readonly runs: readonly ShownRun[] }) {
  const shown = runs.slice(0, MAX_RUNS);
  const served = shown.filter((run) => run.served !== null);
  return (
    <div class="run-details">
      {runs.length > MAX_RUNS && (
        <p class="note">
          Of {runs.length} runs the first {MAX_RUNS} are compared below.
        </p>
      )}
      <Section title="Settings that differ">{() => <Differences runs={shown} />}</Section>
      <Section title="Samples">{() => <Samples runs={shown} />}</Section>
      {served.length > 0 && <Section title="All rows">{() => <Files runs={served} />}</Section>}
    </div>
  );
}
