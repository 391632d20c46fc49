import type { RawRow } from '../series/metrics-row.ts';
import type { RunSeries, SeriesRequest } from '../series/run-series.ts';
import { isServed, listServedFolder, readServedFile } from '../served/served-files.ts';
import { parseJson, parseSamples, type RunSource } from './run-source.ts';

/** A run of the served folder. */
export interface ServedRun {
  readonly run: string;
  readonly bytes: number | null;
  readonly generation: string;
  readonly modifiedAt: number;
}

/** Curves of a served run, or why there are none. */
export type ServedSeries =
  | (RunSeries & { readonly run: string; readonly generation: string; readonly error?: undefined })
  | { readonly run: string; readonly error: string };

/** Rows that came after an offset; `reset` when what was read before is void. */
export interface ServedRows {
  readonly generation: string;
  readonly reset: boolean;
  readonly end: number;
  readonly badLines: number;
  readonly rows: readonly RawRow[];
}

/** News of the served runs. */
export interface ServedNews {
  readonly isWhole: boolean;
  readonly changed: readonly ServedRun[];
  readonly removed: readonly string[];
}

/** An address holds some thousand characters. */
const RUNS_PER_REQUEST = 50;
const REOPEN_MS = 2000;

/** Curves of several runs, each as it is ready. @throws Error when the server cannot be reached */
export async function fetchSeries(
  runs: readonly string[],
  { points, detail, from, to }: SeriesRequest,
  onSeries: (series: ServedSeries) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let i = 0; i < runs.length; i += RUNS_PER_REQUEST) {
    const query = new URLSearchParams({ points: String(points), detail });
    if (from !== undefined) query.set('from', String(from));
    if (to !== undefined) query.set('to', String(to));
    for (const run of runs.slice(i, i + RUNS_PER_REQUEST)) query.append('run', run);
    await fetchLines(`api/series?${query}`, (line) => onSeries(JSON.parse(line) as ServedSeries), signal);
  }
}

/** The rows of a run after a byte offset. */
export async function fetchRows(run: string, offset: number, generation: string): Promise<ServedRows> {
  const response = await fetch(`api/rows?${new URLSearchParams({ run, offset: String(offset), generation })}`);
  if (!response.ok) throw new Error(`${run}: ${response.status}`);
  return response.json() as Promise<ServedRows>;
}

/** Calls back with each news; returns what ends it. Reconnects by itself, and knows then what it missed. */
export function followRuns(onNews: (news: ServedNews) => void, onConnection: (isLive: boolean) => void): () => void {
  if (!isServed()) return () => {};
  let events: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    events = new EventSource('api/events');
    events.addEventListener('runs', ({ data }) => onNews(JSON.parse(data) as ServedNews));
    events.onopen = () => onConnection(true);
    events.onerror = () => {
      onConnection(false);
      // The browser tries again after a broken connection, but not after an answer that was an error.
      if (events.readyState === EventSource.CLOSED) timer = setTimeout(open, REOPEN_MS);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    events.close();
  };
}

/** A run of the served folder as a source. */
export function servedSource(run: string): RunSource {
  const json = async (name: string): Promise<unknown> => {
    // Asking for what is not there would be an error in the browser's console.
    const bytes = (await listServedFolder(run)).includes(name) ? await readServedFile(`${run}/${name}`) : null;
    return bytes === null ? null : parseJson(new TextDecoder().decode(bytes));
  };
  return {
    series: async (request) => {
      let found: ServedSeries | undefined;
      await fetchSeries([run], request, (series) => (found = series));
      if (!found || found.error !== undefined) throw new Error(found?.error ?? `${run}: no answer`);
      return found;
    },
    config: () => json('config.json').catch(() => null),
    samples: async () => parseSamples(await json('samples.json').catch(() => null)),
  };
}

async function fetchLines(url: string, onLine: (line: string) => void, signal?: AbortSignal): Promise<void> {
  const response = await fetch(url, signal ? { signal } : {});
  if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  }
}
