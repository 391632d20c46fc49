import type { ShownRun } from './run-store.ts';

/** What a run came to: a line of the table of runs. */
export interface RunResult {
  readonly run: ShownRun;
  /** Smallest held-out loss, nats per token, and the step at which it was; null where nothing was held out. */
  readonly best: { readonly loss: number; readonly step: number } | null;
  /** At the last evaluation. */
  readonly bitsPerByte: number | null;
  readonly lastStep: number | null;
}

/** The result of a run whose curves are loaded. */
export function resultOf(run: ShownRun): RunResult {
  const { series } = run;
  const losses = series?.fields.heldOutLoss;
  let best: RunResult['best'] = null;
  losses?.mean.forEach((mean, i) => {
    const loss = losses.low?.[i] ?? mean;
    if (loss !== null && loss !== undefined && Number.isFinite(loss) && (best === null || loss < best.loss))
      best = { loss, step: series!.step[i] };
  });
  const bitsPerByte = series?.fields.heldOutBitsPerByte?.mean.findLast((value) => value !== null) ?? null;
  return { run, best, bitsPerByte, lastStep: series?.lastStep ?? null };
}

/** What the table can be sorted by. */
export type ResultKey = 'title' | 'best' | 'bitsPerByte' | 'lastStep';

/** Results in an order; runs without the value come last either way. */
export function sortResults(results: readonly RunResult[], key: ResultKey, descending: boolean): RunResult[] {
  const sign = descending ? -1 : 1;
  if (key === 'title')
    return [...results].sort((a, b) => sign * a.run.name.localeCompare(b.run.name, 'en', { numeric: true }));
  const valueIn = (result: RunResult): number | null => (key === 'best' ? (result.best?.loss ?? null) : result[key]);
  return [...results].sort((a, b) => {
    const [x, y] = [valueIn(a), valueIn(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (x - y);
  });
}
