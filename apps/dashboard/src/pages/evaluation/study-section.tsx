import {
  changeLines,
  corpusTable,
  costTable,
  lineChartFile,
  lossTable,
  measureTable,
  missingLines,
  type StudyFile,
  type StudyTable,
  studyCharts,
  summarizeStudy,
  sweepTable,
  unfinishedTable,
} from '@modajs/train';
import { useMemo } from 'preact/hooks';

/** A study of `moda study`: final losses with paired differences, sweeps, costs, curves, and what is missing. */
export function StudySection({ study }: { readonly study: StudyFile }) {
  const summary = useMemo(() => summarizeStudy(study), [study]);
  const charts = useMemo(() => studyCharts(study), [study]);
  const sweeps = study.plan.phases.slice(0, -1).map(({ name }) => [name, sweepTable(summary, name)] as const);
  const notes = [...missingLines(study, summary), ...changeLines(study)];
  const devices = [...new Set(study.runs.map(({ device }) => device))].join('; ');
  return (
    <article class="study">
      <h2>Study {study.name}</h2>
      <p class="note">
        {study.runs.length} runs{devices === '' ? '' : ` on ${devices}`}. Losses are nats per token on held-out text, ±
        is one standard error of the mean over seeds; differences are taken seed by seed.
      </p>
      {!study.runs.some(({ status }) => status === 'finished') && (
        <p class="empty">
          No run of this study has finished yet, so there is nothing to compare. Go on with <code>moda study</code> on
          its file: finished runs are kept, and this page reads the new <code>study.json</code> when it is added again.
        </p>
      )}
      <Table caption="Final held-out loss" table={lossTable(summary)} />
      {sweeps.map(([name, table]) => (
        <Table key={name} caption={`Held-out loss in phase ${name}`} table={table} />
      ))}
      <Table caption="Parameters, speed and memory" table={costTable(summary)} />
      <Table caption="Held-out loss by corpus" table={corpusTable(summary)} />
      <Table caption="Texts, bits per byte" table={measureTable(summary, 'perplexity/')} />
      <Table caption="Right answers of tasks, bits per byte" table={measureTable(summary, 'task/')} />
      <Table caption="Runs that diverged or failed" table={unfinishedTable(summary)} />
      {charts.length > 0 && (
        <div class="study-charts">
          {charts.map((chart) => (
            <img
              key={chart.title}
              src={`data:image/svg+xml,${encodeURIComponent(lineChartFile(chart))}`}
              alt={chart.title}
            />
          ))}
        </div>
      )}
      {notes.length > 0 && (
        <ul class="note">
          {notes.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </article>
  );
}

/** A table without rows, or without anything beside their names, is not shown. */
function Table({ caption, table: { headings, rows } }: { readonly caption: string; readonly table: StudyTable }) {
  if (rows.length === 0 || headings.length < 2) return null;
  return (
    <div class="card">
      <h3>{caption}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the keyboard's focus */}
      <section class="table-scroll" tabIndex={0} aria-label={`${caption}, table`}>
        <table class="scores">
          <thead>
            <tr>
              {headings.map((heading) => (
                <th key={heading} scope="col">
                  {heading}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, ...cells]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {cells.map((cell, i) => (
                  <td key={headings[i + 1]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
