import type { ByteSource } from './byte-source.ts';
import { findStep } from './find-step.ts';
import { readRows } from './read-rows.ts';
import type { RunSeries, SeriesRequest } from './run-series.ts';
import { sampleRows } from './sample-rows.ts';
import { SeriesBuilder } from './series-builder.ts';

/** Below this a file is read in full at once: sampling would not be faster. */
const SAMPLE_FROM_BYTES = 1 << 20;
/** A half-written last line is shorter. */
const TAIL_BYTES = 1 << 16;
const NEWLINE = 10;

/**
 * Curves of a metrics file. `sampled` reads some hundred blocks of it whatever its length; `exact` reads all; a range of
 * steps reads just that range.
 *
 * @param pause awaited between mebibytes, so that a server goes on answering others
 */
export async function readSeries(
  source: ByteSource,
  request: SeriesRequest,
  pause: () => Promise<void> = async () => {},
): Promise<RunSeries> {
  const { points, detail, from, to } = request;
  const isRange = from !== undefined || to !== undefined;
  if (!isRange && detail === 'sampled' && source.size > SAMPLE_FROM_BYTES) return sampledSeries(source, points);
  const begin = from === undefined ? 0 : await findStep(source, from);
  const builder = new SeriesBuilder(points, begin === 0 ? 0 : null);
  let end = begin;
  for await (const batch of readRows(source, begin)) {
    let isPast = false;
    for (const row of batch.rows) {
      if (to !== undefined && row.step > to) isPast = true;
      else if (from === undefined || row.step >= from) builder.add(row);
    }
    builder.badLines += batch.badLines;
    end = batch.end;
    if (isPast) break;
    await pause();
  }
  return builder.build({ detail: 'exact', end });
}

async function sampledSeries(source: ByteSource, points: number): Promise<RunSeries> {
  const { rows, estimatedRows } = await sampleRows(source, points);
  const builder = new SeriesBuilder(points);
  for (const row of rows) builder.add(row);
  const tail = await source.read(Math.max(0, source.size - TAIL_BYTES), source.size);
  const end = source.size - (tail.length - 1 - tail.lastIndexOf(NEWLINE));
  return builder.build({ detail: 'sampled', end, rows: estimatedRows });
}
