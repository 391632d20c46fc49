import {
  type BenchScale,
  chooseTuning,
  deviceTuneGroups,
  deviceTuningKey,
  type TuneOutcome,
  tuningOf,
} from '@modajs/bench';
import { ConfigError } from '@modajs/tensor';
import { readTuningFile, saveTuning } from '../tuning-file.ts';
import { type RowSettings, rowsOfChild } from './bench-rows.ts';
import { openBenchDevice } from './open-bench-device.ts';

/** Options of `moda tune`. */
export interface TuneOptions {
  readonly scale: BenchScale;
  /** Parts of class names, comma-separated. */
  readonly classes?: string;
  /** A process for each candidate instead of each class. */
  readonly isolate?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Times the candidates of every class of shapes on this machine's adapter, a process for each class, prints a line a class, and
 * keeps what beats the defaults. Candidates that are wrong against f64 are reported and never chosen.
 */
export async function tuneCommand({ scale, classes, isolate, dryRun }: TuneOptions): Promise<void> {
  const device = await openBenchDevice({ device: 'webgpu', robustness: 'off' });
  const key = deviceTuningKey(device);
  const all = deviceTuneGroups(device, scale);
  device.destroy();
  const parts = classes?.split(',').map((part) => part.trim());
  const groups = all.filter(({ shapeClass }) => !parts || parts.some((part) => shapeClass.includes(part)));
  if (groups.length === 0) {
    throw new ConfigError(
      `tune: --classes must match a class, got "${classes}". There are ${all.map(({ shapeClass }) => shapeClass).join(', ')}.`,
    );
  }
  console.log(`${key}\n`);
  const ceilings = { copyBytesPerSecond: null, flopsPerSecond: {} };
  const settings: RowSettings = { device: 'webgpu', robustness: 'off', scale, ceilings };
  const width = Math.max(...groups.map(({ shapeClass }) => shapeClass.length));
  const outcomes: TuneOutcome[] = [];
  for (const group of groups) {
    const batches = isolate ? group.jobs.map((job) => [job]) : [group.jobs];
    const rows = [];
    for (const jobs of batches) rows.push(...(await rowsOfChild({ jobs, settings })));
    const outcome = chooseTuning(group, rows);
    outcomes.push(outcome);
    console.log(describe(outcome, group.jobs.length, width));
    for (const { id, reason } of outcome.rejected) console.log(`  rejected ${id}: ${reason}`);
    // After each class: a search that is stopped keeps what it found.
    if (!dryRun) await saveTuning(key, tuningOf(outcomes, (await readTuningFile())[key]));
  }
  const found = outcomes.filter(({ config }) => config !== null).length;
  console.log(`\n${groups.length} classes, ${found} faster than the default${dryRun ? '' : ', kept for later runs'}`);
}

function describe({ shapeClass, defaultMs, bestMs, config }: TuneOutcome, candidates: number, width: number): string {
  const ms = (time: number | null) => (time === null ? '-' : time.toFixed(3)).padStart(9);
  const choice = config === null ? 'default' : JSON.stringify(config);
  return `${shapeClass.padEnd(width)} ${String(candidates).padStart(3)} candidates, default ${ms(defaultMs)} ms, best ${ms(bestMs)} ms  ${choice}`;
}
