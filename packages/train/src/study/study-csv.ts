import { csvText } from '../metrics/csv-text.ts';
import type { StudyRun } from './study-run.ts';

/** One line a run: what it was, how it ended, all its numbers. Loss in nats per token, corpora and measures as named. */
export function studyCsv(runs: readonly StudyRun[]): string {
  return csvText(runs.map(rowOf));
}

function rowOf(run: StudyRun): Record<string, unknown> {
  const { heldOut, inputs, depth, seconds } = run;
  return {
    phase: run.phase,
    variant: run.variant,
    ...run.values,
    seed: run.seed,
    status: run.status,
    steps: run.steps,
    tokens: inputs?.tokens,
    parameters: run.parameters,
    flopsPerToken: run.flopsPerToken,
    loss: run.loss,
    heldOutLoss: heldOut?.loss,
    heldOutBitsPerByte: heldOut?.bitsPerByte,
    ...Object.fromEntries(
      Object.entries(heldOut?.corpora ?? {}).map(([name, { loss }]) => [`heldOutLoss/${name}`, loss]),
    ),
    ...run.measures,
    meanDepthMass: depth ? mean(depth.depthMass.slice(1)) : undefined,
    meanSinkMass: depth ? mean(depth.sinkMass) : undefined,
    tokensPerSecond: run.tokensPerSecond,
    deviceBytes: run.deviceBytes,
    seconds: seconds.total,
    error: run.error,
  };
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
