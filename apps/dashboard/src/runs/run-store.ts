import { appendRows } from '../series/append-rows.ts';
import type { RunSeries } from '../series/run-series.ts';
import { type AxisRange, stepsWithin } from './axes.ts';
import type { DroppedRun } from './dropped-run.ts';
import type { RunSource } from './run-source.ts';
import { fetchRows, fetchSeries, type ServedNews, type ServedRun, servedSource } from './served-runs.ts';

/** A run as the page knows it. */
export interface ShownRun {
  readonly id: string;
  readonly name: string;
  readonly source: RunSource;
  /** Its place among all runs ever shown, which gives its colour. */
  readonly colour: number;
  served: ServedRun | null;
  isVisible: boolean;
  series: RunSeries | null;
  /** The curves of the range that is zoomed to, once they are there. */
  zoomed: RunSeries | null;
  error: string | null;
  isFollowing: boolean;
}

/** Buckets of exact curves, and of a range that is zoomed to. */
const POINTS = 300;
const ZOOM_POINTS = 1000;
/** Blocks of a first look: a sample of so many runs at once is for the eye's first impression. */
const samplePoints = (runs: number): number => (runs > 20 ? 120 : POINTS);
/** So many new rows are added one by one before the curves are made anew. */
const MAX_APPENDED = 4000;
/** More runs than this are not all shown at once. */
const MAX_VISIBLE = 100;
const REFINE_AT_ONCE = 4;
/** The first look is drawn before the machine is busy with every row. */
const REFINE_AFTER_MS = 1000;

/** The runs of the page and their curves: loads, refines, follows and zooms. Calls back when anything changed. */
export class RunStore {
  readonly runs = new Map<string, ShownRun>();
  range: AxisRange | null = null;
  /** What the visitor should know: a run that went, a server that does not answer. */
  message: string | null = null;
  isLoading = false;
  private colours = 0;
  private refining = false;
  private zoomAbort = new AbortController();
  private isClosed = false;

  constructor(private readonly onChange: () => void) {}

  close(): void {
    this.isClosed = true;
    this.zoomAbort.abort();
  }

  /** Takes news of the served runs: new ones load, grown ones are followed, those that are gone go. */
  take({ isWhole, changed, removed }: ServedNews): void {
    const present = new Set(changed.map(({ run }) => run));
    const served = [...this.runs.values()].filter((run) => run.served !== null);
    const gone = isWhole ? served.map(({ id }) => id).filter((id) => !present.has(id)) : removed;
    for (const run of gone) this.remove(run);
    const fresh: string[] = [];
    for (const entry of [...changed].sort((a, b) => b.modifiedAt - a.modifiedAt)) {
      const run = this.runs.get(entry.run);
      if (run === undefined) this.add(entry.run, servedSource(entry.run), entry);
      const isCut = run?.series != null && entry.bytes !== null && entry.bytes < run.series.end;
      const isReplaced = isCut || run?.served?.generation !== entry.generation;
      if (run !== undefined) run.served = entry;
      if ((run === undefined || isReplaced) && entry.bytes !== null) fresh.push(entry.run);
      else if (run !== undefined) void this.follow(run);
    }
    if (fresh.length > 0) void this.load(fresh);
    else this.onChange();
  }

  /** Adds runs of dropped files; one of the same name is replaced. */
  async drop(dropped: readonly DroppedRun[]): Promise<void> {
    for (const { name, source } of dropped) {
      const run = this.add(`dropped ${name}`, source, null, name);
      await this.read(run);
    }
    if (dropped.length === 0) this.message = 'There is no metrics.jsonl among these files.';
    this.onChange();
  }

  show(ids: readonly string[], isVisible: boolean): void {
    const unread: string[] = [];
    for (const id of ids) {
      const run = this.runs.get(id);
      if (run === undefined) continue;
      run.isVisible = isVisible;
      if (isVisible && run.series === null && run.served) unread.push(id);
      else if (isVisible) void this.follow(run);
    }
    this.onChange();
    if (unread.length > 0) void this.load(unread);
    else if (isVisible) void this.refine();
    if (isVisible && this.range !== null) void this.zoom(this.range);
  }

  /** Shows a range, in full detail as soon as it is read; null shows all. */
  async zoom(range: AxisRange | null): Promise<void> {
    this.range = range;
    this.zoomAbort.abort();
    const abort = new AbortController();
    this.zoomAbort = abort;
    for (const run of this.runs.values()) run.zoomed = null;
    this.onChange();
    if (range === null) return;
    for (const [steps, runs] of this.stepRanges(range)) {
      const request = { points: ZOOM_POINTS, detail: 'exact', ...steps } as const;
      const served = runs.filter((run) => run.served !== null);
      const put = (run: ShownRun | undefined, series: RunSeries): void => {
        if (run && !abort.signal.aborted) run.zoomed = series;
      };
      try {
        await fetchSeries(
          served.map(({ id }) => id),
          request,
          (series) => series.error === undefined && put(this.runs.get(series.run), series),
          abort.signal,
        );
        for (const run of runs.filter(({ served }) => served === null)) put(run, await run.source.series(request));
      } catch (error) {
        if (!abort.signal.aborted) this.message = `The range could not be read: ${(error as Error).message}`;
      }
      if (abort.signal.aborted) return;
      this.onChange();
    }
  }

  /** Visible runs by the range of steps to be read of them. */
  private stepRanges(range: AxisRange): (readonly [{ from: number; to: number }, ShownRun[]])[] {
    const groups = new Map<string, readonly [{ from: number; to: number }, ShownRun[]]>();
    for (const run of this.runs.values()) {
      const isWhole = run.series?.detail === 'exact' && Object.values(run.series.fields).every(({ low }) => !low);
      const steps = run.isVisible && run.series && !isWhole ? stepsWithin(run.series, range) : null;
      if (steps === null) continue;
      const key = `${steps.from} ${steps.to}`;
      const group = groups.get(key);
      if (group) group[1].push(run);
      else groups.set(key, [steps, [run]]);
    }
    return [...groups.values()];
  }

  private add(id: string, source: RunSource, served: ServedRun | null, name = id): ShownRun {
    const visible = [...this.runs.values()].filter(({ isVisible }) => isVisible).length;
    const before = this.runs.get(id);
    const colour = before?.colour ?? this.colours++;
    const [series, zoomed, error] = [null, null, null];
    const isVisible = before?.isVisible ?? visible < MAX_VISIBLE;
    const run: ShownRun = { id, name, source, colour, served, isVisible, series, zoomed, error, isFollowing: false };
    this.runs.set(id, run);
    return run;
  }

  private remove(id: string): void {
    const run = this.runs.get(id);
    if (run === undefined) return;
    this.runs.delete(id);
    this.message = `${run.name} was removed from the runs folder.`;
  }

  private async read(run: ShownRun): Promise<void> {
    try {
      run.series = await run.source.series({ points: POINTS, detail: 'exact' });
      run.error = null;
    } catch (error) {
      run.error = (error as Error).message;
    }
  }

  /** First curves, sampled where a run is long. */
  private async load(ids: readonly string[]): Promise<void> {
    const visible = ids.filter((id) => this.runs.get(id)?.isVisible);
    this.isLoading = true;
    this.onChange();
    try {
      await this.fetch(visible, 'sampled');
      this.message = null;
    } catch (error) {
      this.message = `The server does not answer: ${(error as Error).message}`;
    }
    this.isLoading = false;
    this.onChange();
    for (const id of visible) void this.follow(this.runs.get(id));
    setTimeout(() => void this.refine(), REFINE_AFTER_MS);
  }

  private fetch(ids: readonly string[], detail: 'sampled' | 'exact'): Promise<void> {
    const points = detail === 'exact' ? POINTS : samplePoints(ids.length);
    return fetchSeries(ids, { points, detail }, (answer) => {
      const run = this.runs.get(answer.run);
      if (run === undefined) return;
      run.error = answer.error ?? null;
      if (answer.error !== undefined) return;
      if (isOutdated(run, answer)) return;
      run.series = answer;
      if (run.served) run.served = { ...run.served, generation: answer.generation };
    });
  }

  /** Exact curves for what is sampled and visible, a few runs at a time. */
  private async refine(): Promise<void> {
    if (this.refining) return;
    this.refining = true;
    try {
      for (;;) {
        const sampled = [...this.runs.values()].filter((run) => run.isVisible && run.series?.detail === 'sampled');
        if (sampled.length === 0 || this.isClosed) return;
        const ids = sampled.slice(0, REFINE_AT_ONCE).map(({ id }) => id);
        await this.fetch(ids, 'exact');
        // What could not be read is left as it is rather than asked for again and again.
        for (const id of ids) {
          const run = this.runs.get(id);
          if (run?.error && run.series) run.series = { ...run.series, detail: 'exact' };
        }
        this.onChange();
      }
    } catch {
      // The server went away; its return brings new curves.
    } finally {
      this.refining = false;
    }
  }

  /** Fetches what a run has written since. */
  private async follow(run: ShownRun | undefined): Promise<void> {
    if (!run?.served || !run.series || !run.isVisible || run.isFollowing) return;
    run.isFollowing = true;
    try {
      while (run.served.bytes !== null && run.served.bytes > run.series.end && this.runs.get(run.id) === run) {
        const before: number = run.series.end;
        const { bytes }: ServedRun = run.served;
        const added = await fetchRows(run.id, before, run.served.generation);
        if (added.reset || added.rows.length > MAX_APPENDED) await this.fetch([run.id], 'exact');
        else run.series = appendRows(run.series, added);
        this.onChange();
        // A half-written line: the rest comes with the next news, which may have come meanwhile.
        if (run.series.end === before && run.served.bytes === bytes) return;
      }
      if (run.series.step.length > 2 * POINTS + MAX_APPENDED) await this.fetch([run.id], 'exact');
    } catch {
      // Gone or not answered: the next news tells.
    } finally {
      run.isFollowing = false;
    }
  }
}

/** Whether an answer was read before rows that are there already: it is not to replace them. A file that was cut has fewer rows, and news say so. */
function isOutdated({ series, served }: ShownRun, answer: RunSeries & { readonly generation: string }): boolean {
  if (series === null || served === null || served.generation !== answer.generation) return false;
  return answer.end < series.end && series.end <= (served.bytes ?? 0);
}
