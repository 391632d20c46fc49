import { countParameters, type Decoder } from '@modajs/models';
import { type MetricsRow, metricsCsv, type RunSummary, readMetrics } from '@modajs/train';
import type { FolderStorage } from '@modajs/train/node';
import { bytes, compact, duration } from '../terminal/format.ts';
import { type StyledOutput, styled } from '../terminal/styled.ts';
import { table } from '../terminal/table.ts';
import { attentionMaps } from './attention-maps.ts';
import { commandLine, nextCommands } from './next-commands.ts';
import type { PreparedRun } from './prepare-run.ts';
import { findRunBeside } from './run-beside.ts';
import { samplePrompts } from './sample-prompts.ts';
import { sourceNames } from './source-names.ts';
import { writeReport } from './write-report.ts';
import { yardsticks } from './yardsticks.ts';

/** How a run was started, and how long it trained. */
export interface RunCall {
  /** Arguments of `moda train`. */
  readonly given: readonly string[];
  /** Where runs are kept. */
  readonly out: string;
  /** Of this session. */
  readonly trainedMs: number;
  /** Whether what is printed may have colours. */
  readonly output: StyledOutput;
}

/** Commands that are printed; the report has all. */
const PRINTED_COMMANDS = 3;

/** After the last step: samples, yardsticks, attention maps, report; prints what was found, where it is, and what comes next. */
export async function finishRun(
  prepared: PreparedRun,
  decoder: Decoder,
  summary: RunSummary,
  storage: FolderStorage,
  { given, out, trainedMs, output }: RunCall,
): Promise<void> {
  const { config, model, tokenizer, sources, folder, resumes } = prepared;
  const metrics = await readMetrics(storage);
  await storage.write('metrics.csv', metricsCsv(metrics));
  const yardstickBits = yardsticks(sources);
  const samples = await samplePrompts(decoder, prepared);
  const mapped = sources.flatMap(({ split }) => split.heldOut)[0] ?? config.samples.prompts[0] ?? '';
  const attention = await attentionMaps(decoder, tokenizer, mapped);
  const facts: [string, string][] = [
    ['date', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ['command', commandLine('train', ...given)],
    [resumes ? 'trained, since it was resumed' : 'trained', duration(trainedMs)],
    ['tokens per second, median', compact(median(metrics.flatMap((row) => row.tokensPerSecond ?? [])))],
    ['data', sourceNames(config.data.sources.map(({ path }) => path)).join(', ')],
    ['model', `${compact(countParameters(model))} parameters, ${model.nLayers} blocks, depth: ${model.depth.kind}`],
    ['tokenizer', `${tokenizer.vocabSize} tokens`],
    ['device', decoder.device.toString()],
    ['steps', String(summary.step)],
    ['final training loss', summary.loss?.toFixed(4) ?? '-'],
    ['held-out loss', summary.heldOutLoss?.toFixed(4) ?? '-'],
    ['held-out bits per byte', summary.heldOutBitsPerByte?.toFixed(4) ?? '-'],
    ...communicationFacts(metrics),
    ...summary.heldOutBySource.map(({ source, loss, bitsPerByte }): [string, string] => [
      `held out, ${source}`,
      `loss ${loss.toFixed(4)}, ${bitsPerByte.toFixed(4)} bits per byte`,
    ]),
  ];
  const { depth } = model;
  const next = nextCommands({ config, depth: depth.kind, folder, out, hasChat: prepared.chat !== null, given });
  const report = await writeReport(storage, {
    name: config.name,
    metrics,
    beside: await findRunBeside(folder, prepared),
    next,
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
  console.log('next');
  for (const [command, what] of next.slice(0, PRINTED_COMMANDS)) {
    console.log(`  ${styled(output, 'cyan', command)}\n      ${what}`);
  }
}

function median(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.toSorted((a, b) => a - b)[values.length >> 1];
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
