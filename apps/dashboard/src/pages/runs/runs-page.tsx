import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { LineChart, type Series } from '../../charts/line-chart.tsx';
import { type MetricsRow, parseMetrics } from '../../data/metrics-rows.ts';

interface Run {
  readonly name: string;
  readonly rows: readonly MetricsRow[];
  readonly badLines: number;
}

const CHARTS: readonly (readonly [string, string])[] = [
  ['loss', 'Training loss (nats per token)'],
  ['heldOutBitsPerByte', 'Held-out bits per byte'],
  ['gradientNorm', 'Gradient norm'],
  ['learningRate', 'Learning rate'],
  ['tokensPerSecond', 'Tokens per second'],
];

async function readRun(file: File): Promise<Run> {
  const { rows, badLines } = parseMetrics(await file.text());
  const folder = file.webkitRelativePath.split('/').at(-2);
  return { name: folder ?? file.name, rows, badLines };
}

function seriesOf(runs: readonly Run[], field: string): Series[] {
  return runs
    .map(({ name, rows }) => {
      const points = rows.filter((row) => Number.isFinite(row[field]));
      return { label: name, x: points.map(({ step }) => step), y: points.map((row) => row[field]) };
    })
    .filter(({ x }) => x.length > 0);
}

/** Calls back with files dropped anywhere on the page; returns what stops it. */
function listenForDrops(onFiles: (files: Iterable<File>) => void): () => void {
  const allow = (event: DragEvent): void => event.preventDefault();
  const take = (event: DragEvent): void => {
    event.preventDefault();
    onFiles(event.dataTransfer?.files ?? []);
  };
  window.addEventListener('dragover', allow);
  window.addEventListener('drop', take);
  return () => {
    window.removeEventListener('dragover', allow);
    window.removeEventListener('drop', take);
  };
}

/** Curves of training runs: `metrics.jsonl` files, dropped or chosen. */
export function RunsPage() {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const [isLogY, setLogY] = useState(false);
  const add = async (files: Iterable<File>): Promise<void> => {
    const metrics = [...files].filter(({ name }) => name.endsWith('.jsonl'));
    const added = await Promise.all(metrics.map(readRun));
    setRuns((present) => [...present, ...added]);
  };
  const dropped = useRef(add);
  dropped.current = add;
  useEffect(() => listenForDrops((files) => void dropped.current(files)), []);
  const charts = useMemo(() => CHARTS.map(([field, title]) => ({ title, series: seriesOf(runs, field) })), [runs]);
  return (
    <section>
      <h1>Training runs</h1>
      <p>
        <label class="button">
          Add metrics.jsonl files
          <input type="file" accept=".jsonl" multiple onChange={(event) => void add(event.currentTarget.files ?? [])} />
        </label>
        <label>
          <input type="checkbox" checked={isLogY} onChange={(event) => setLogY(event.currentTarget.checked)} />{' '}
          logarithmic
        </label>
      </p>
      {runs.length === 0 && <p class="empty">No run yet. Drop a run's metrics.jsonl here, or train one: npm start.</p>}
      {runs.map(({ name, rows, badLines }) => (
        <p key={name}>
          {name}: {rows.length} rows{badLines > 0 && `, ${badLines} damaged lines left out`}
        </p>
      ))}
      {charts.map(
        ({ title, series }) =>
          series.length > 0 && <LineChart key={title} title={title} xLabel="step" series={series} isLogY={isLogY} />,
      )}
    </section>
  );
}
