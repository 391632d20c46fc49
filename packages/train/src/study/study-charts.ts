import type { ChartSeries, LineChart } from '../report/line-chart.ts';
import type { StudyFile, StudyRun } from './study-run.ts';
import { type StudyCell, type StudySummary, summarizeStudy } from './summarize-study.ts';

/** What is varied over numbers in a phase: one chart each. */
export function numericKeys(summary: StudySummary, phase: string): string[] {
  const cells = summary.cells.filter((cell) => cell.phase === phase);
  return variedKeys(summary, phase).filter((key) => cells.every(({ values }) => typeof values[key] === 'number'));
}

/** What a variant has several values of in a phase. */
export function variedKeys(summary: StudySummary, phase: string): string[] {
  const cells = summary.cells.filter((cell) => cell.phase === phase);
  const keys = [...new Set(cells.flatMap(({ values }) => Object.keys(values)))];
  const variants = [...new Set(cells.map(({ variant }) => variant))];
  const valuesOf = (variant: string, key: string): Set<unknown> =>
    new Set(cells.filter((cell) => cell.variant === variant).map(({ values }) => values[key]));
  return keys.filter((key) => variants.some((variant) => valuesOf(variant, key).size > 1));
}

/** Every chart of a study: curves by group, losses against what was varied, attention by block. */
export function studyCharts(file: StudyFile): LineChart[] {
  const summary = summarizeStudy(file);
  const groups = [...new Set(file.plan.variants.map(({ group }) => group))];
  return [
    ...groups.map((group) => curvesChart(file, summary, group)),
    ...file.plan.phases.flatMap(({ name }) =>
      groups.flatMap((group) => numericKeys(summary, name).map((key) => sweepChart(file, summary, group, name, key))),
    ),
    ...depthCharts(file, summary),
  ].filter(({ series }) => series.length > 0);
}

const COLOURS = [
  '#1f4e8c',
  '#b3441e',
  '#2f7d4f',
  '#8a5a9e',
  '#b58b00',
  '#3c9aa8',
  '#a0355f',
  '#6b6b6b',
  '#7a9b2e',
  '#d98880',
];

/** Points of a curve after this share of the steps: earlier ones would flatten the rest. */
const SHOWN_FROM = 0.1;

const colourOf = (variants: readonly string[], variant: string): string =>
  COLOURS[variants.indexOf(variant) % COLOURS.length];

/** Training curves of a group's cells of the last phase: means over seeds, with the range of the seeds as a band. */
export function curvesChart(file: StudyFile, summary: StudySummary, group: string): LineChart {
  const variants = variantsOf(file, group);
  const cells = summary.comparisons.filter(({ variant }) => variants.includes(variant)).map(({ cell }) => cell);
  const series = cells.flatMap((cell): ChartSeries[] => {
    const band = bandOf(cell.runs.filter(({ curve }) => curve.length > 0));
    if (band.length === 0) return [];
    return [
      {
        label: cell.variant,
        colour: colourOf(variants, cell.variant),
        points: band.map(({ step, mean }) => [step, mean] as const),
        band: band.map(({ step, low, high }) => [step, low, high] as const),
      },
    ];
  });
  return { title: `Training loss${named(group)}`, xLabel: 'step', yLabel: 'nats per token', series };
}

/** Held-out loss against a varied number, one curve a variant; runs that did not finish leave gaps. */
export function sweepChart(
  file: StudyFile,
  summary: StudySummary,
  group: string,
  phase: string,
  key: string,
): LineChart {
  const variants = variantsOf(file, group);
  const series = variants.flatMap((variant): ChartSeries[] => {
    const cells = summary.cells.filter((cell) => cell.phase === phase && cell.variant === variant);
    const points = cells
      .filter((cell): cell is StudyCell => typeof cell.values[key] === 'number')
      .map((cell) => [Number(cell.values[key]), cell.loss?.mean ?? Number.NaN] as const)
      .sort(([a], [b]) => a - b);
    return points.length === 0 ? [] : [{ label: variant, colour: colourOf(variants, variant), points, dots: true }];
  });
  const title = `Held-out loss against ${key}, phase ${phase}${named(group)}`;
  const logX = series.every(({ points }) => points.every(([value]) => value > 0));
  return { title, xLabel: key, yLabel: 'nats per token', series, logX };
}

/** Where attention goes, by block. */
export function depthCharts(file: StudyFile, summary: StudySummary): LineChart[] {
  return [
    depthChart(file, summary, 'depthMass', 'Share of the softmax on depth slots'),
    depthChart(file, summary, 'depthEntropy', 'Entropy within the depth part, nats'),
    depthChart(file, summary, 'sinkMass', 'Share of the softmax on the first position'),
  ];
}

/** A statistic of attention by block, one curve a variant. */
function depthChart(
  file: StudyFile,
  summary: StudySummary,
  statistic: 'depthMass' | 'depthEntropy' | 'sinkMass',
  title: string,
): LineChart {
  const variants = file.plan.variants.map(({ variant }) => variant);
  const series = summary.comparisons.flatMap(({ variant, cell }): ChartSeries[] => {
    const layers = cell.runs.flatMap(({ depth }) => (depth ? [depth[statistic]] : []));
    if (layers.length === 0) return [];
    const points = layers[0].map(
      (_, layer) => [layer, layers.reduce((sum, values) => sum + values[layer], 0) / layers.length] as const,
    );
    return [{ label: variant, colour: colourOf(variants, variant), points, dots: true }];
  });
  return { title, xLabel: 'block', yLabel: '', series };
}

function variantsOf({ plan }: StudyFile, group: string): string[] {
  return plan.variants.filter((variant) => variant.group === group).map(({ variant }) => variant);
}

function named(group: string): string {
  return group === '' ? '' : `: ${group}`;
}

/** Mean, lowest and highest loss over runs at the steps that all of them logged, smoothed over a fiftieth of the run. */
function bandOf(runs: readonly StudyRun[]): { step: number; mean: number; low: number; high: number }[] {
  if (runs.length === 0) return [];
  const curves = runs.map(({ curve }) => smoothed(curve));
  const [first, ...others] = curves.map((curve) => new Map(curve));
  const from = SHOWN_FROM * Math.max(...runs.map(({ steps }) => steps));
  return [...first.keys()]
    .filter((step) => step >= from && others.every((curve) => curve.has(step)))
    .map((step) => {
      const values = [first, ...others].map((curve) => curve.get(step)!);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { step, mean, low: Math.min(...values), high: Math.max(...values) };
    });
}

function smoothed(curve: StudyRun['curve']): [number, number][] {
  const window = Math.max(1, Math.floor(curve.length / 50));
  return curve.map(([step], i) => {
    const part = curve.slice(Math.max(0, i - window + 1), i + 1);
    return [step, part.reduce((sum, [, loss]) => sum + loss, 0) / part.length];
  });
}
