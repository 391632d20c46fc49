import { countParameters, type Decoder } from '@modajs/models';
import { type MetricsRow, type RunSummary, readMetrics } from '@modajs/train';
import type { FolderStorage } from '@modajs/train/node';
import { bytes, compact } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import { attentionMaps } from './attention-maps.ts';
import type { PreparedRun } from './prepare-run.ts';
import { samplePrompts } from './sample-prompts.ts';
import { sourceNames } from './source-names.ts';
import { writeReport } from './write-report.ts';
import { yardsticks } from './yardsticks.ts';

/** After the last step: samples, yardsticks, attention maps, report; prints what was found and where it is. */
export async function finishRun(
  prepared: PreparedRun,
  decoder: Decoder,
  summary: RunSummary,
  storage: FolderStorage,
): Promise<void> {
  const { config, model, tokenizer, sources } = prepared;
  const yardstickBits = yardsticks(sources);
  const samples = await samplePrompts(decoder, prepared);
  const heldOut = sources.flatMap(({ split }) => split.heldOut)[0] ?? config.samples.prompts[0];
  const attention = await attentionMaps(decoder, tokenizer.encode(heldOut.slice(0, 400)));
  const facts: [string, string][] = [
    ['data', sourceNames(config.data.sources.map(({ path }) => path)).join(', ')],
    ['model', `${compact(countParameters(model))} parameters, ${model.nLayers} blocks, depth: ${model.depth.kind}`],
    ['device', decoder.device.toString()],
    ['steps', String(summary.step)],
    ['final training loss', summary.loss?.toFixed(4) ?? '-'],
    ['held-out loss', summary.heldOutLoss?.toFixed(4) ?? '-'],
    ['held-out bits per byte', summary.heldOutBitsPerByte?.toFixed(4) ?? '-'],
    ...communicationFacts(await readMetrics(storage)),
    ...summary.heldOutBySource.map(({ source, loss, bitsPerByte }): [string, string] => [
      `held out, ${source}`,
      `loss ${loss.toFixed(4)}, ${bitsPerByte.toFixed(4)} bits per byte`,
    ]),
  ];
  const report = await writeReport(storage, {
    name: config.name,
    facts,
    yardsticks: yardstickBits,
    samples,
    attention,
    config: { run: config, model },
  });
  if (summary.heldOutBitsPerByte !== null) console.log(`\n${comparison(yardstickBits, summary.heldOutBitsPerByte)}`);
  if (summary.heldOutBySource.length > 0) console.log(`\n${bySource(summary)}`);
  for (const { prompt, text } of samples) console.log(`\n> ${prompt}${text}`);
  console.log(`\nreport     ${report}`);
}

/** Of several ranks, by the run's rows: what a step cost the first one. */
function communicationFacts(metrics: readonly MetricsRow[]): [string, string][] {
  const rows = metrics.filter(({ sentBytes }) => sentBytes !== undefined);
  if (rows.length === 0) return [];
  const mean = (of: (row: MetricsRow) => number | undefined): number =>
    rows.reduce((sum, row) => sum + (of(row) ?? 0), 0) / rows.length;
  const [hidden, waited] = [mean((row) => row.communicationHiddenMs), mean((row) => row.communicationWaitedMs)];
  const stepMs = mean((row) => row.timeMs);
  return [
    ['sent by a rank in a step', bytes(mean((row) => row.sentBytes))],
    [
      'communication of a step',
      `${(hidden / 1000).toFixed(3)} s hidden, ${(waited / 1000).toFixed(3)} s waited (${((100 * waited) / (stepMs + waited)).toFixed(1)} %)`,
    ],
  ];
}

function bySource({ heldOutBySource }: RunSummary): string {
  const rows = heldOutBySource.map(({ source, loss, bitsPerByte }) => [
    source,
    loss.toFixed(4),
    bitsPerByte.toFixed(4),
  ]);
  return table(['held-out text of', 'loss', 'bits per byte'], rows);
}

function comparison(yardstickBits: readonly number[], own: number): string {
  const rows = yardstickBits.map((bits, order) => [`Witten-Bell byte model, order ${order}`, bits.toFixed(2)]);
  return table(['held-out text, same split', 'bits per byte'], [...rows, ['this model', own.toFixed(4)]]);
}
