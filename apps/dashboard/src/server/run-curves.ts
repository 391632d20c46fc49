import { setImmediate as nextTurn } from 'node:timers/promises';
import { readRows } from '../series/read-rows.ts';
import { readSeries } from '../series/read-series.ts';
import type { SeriesRequest } from '../series/run-series.ts';
import { fileSource } from './file-source.ts';
import { LRUMap } from './lru-map.ts';
import { generationOf } from './run-list.ts';
import type { OpenFile, RunsFolder } from './runs-folder.ts';

/** More rows than this at once are curves, not an end to be added. */
const MAX_TAIL_BYTES = 4 << 20;
/** Of 20 to 80 kB each. */
const CACHED_CURVES = 1024;

/** Reads curves and new rows of runs. What was computed is kept while the file is the same. */
export class RunCurves {
  private readonly curves = new LRUMap<string, string>(CACHED_CURVES);

  constructor(private readonly folder: RunsFolder) {}

  /** JSON of `{ run, generation, ...RunSeries }`. @throws HttpError */
  series(run: string, request: SeriesRequest): Promise<string> {
    return this.withMetrics(run, async (file) => {
      const { stats } = file;
      const generation = generationOf(stats);
      const key = JSON.stringify([run, generation, stats.size, stats.mtimeMs, request]);
      const known = this.curves.get(key);
      if (known !== undefined) return known;
      const series = await readSeries(fileSource(file), request, () => nextTurn());
      const json = JSON.stringify({ run, generation, ...series });
      this.curves.set(key, json);
      return json;
    });
  }

  /**
   * JSON of `{ generation, reset, end, badLines, rows }`: rows from byte `offset` on. `reset` when what was read before is
   * void, because the file was replaced or cut, or when more has come than an addition.
   */
  tail(run: string, offset: number, generation: string): Promise<string> {
    return this.withMetrics(run, async (file) => {
      const { size } = file.stats;
      const now = generationOf(file.stats);
      if (now !== generation || offset > size || size - offset > MAX_TAIL_BYTES)
        return JSON.stringify({ generation: now, reset: true, end: 0, badLines: 0, rows: [] });
      const rows = [];
      let end = offset;
      let badLines = 0;
      for await (const batch of readRows(fileSource(file), offset)) {
        rows.push(...batch.rows);
        badLines += batch.badLines;
        end = batch.end;
      }
      return JSON.stringify({ generation: now, reset: false, end, badLines, rows });
    });
  }

  private async withMetrics<T>(run: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
    const file = await this.folder.open(`${run}/metrics.jsonl`);
    try {
      return await use(file);
    } finally {
      await file.handle.close();
    }
  }
}
