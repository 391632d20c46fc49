import type { BenchCeilings, BenchJob, BenchRow, BenchTimes } from '@modajs/bench';

const COLUMNS: readonly (readonly [string, number])[] = [
  ['median ms', 10],
  ['min', 10],
  ['max', 10],
  ['forward', 10],
  ['TFLOP/s', 8],
  ['of peak', 8],
  ['of copy', 8],
  ['extra', 8],
  ['error', 9],
];

/** The head of a benchmark's table; rows are printed one by one as they come. */
export function benchHeader(jobs: readonly BenchJob[]): string {
  return ['row'.padEnd(nameWidth(jobs)), ...COLUMNS.map(([name, width]) => name.padStart(width)), '  kernels'].join(
    ' ',
  );
}

/** One row. */
export function benchLine(row: BenchRow, jobs: readonly BenchJob[]): string {
  const name = row.name.padEnd(nameWidth(jobs));
  if (row.total === null) return `${name} ${row.status}: ${row.reason}`;
  const worst = Math.max(...Object.values(row.errors));
  const cells = [
    milliseconds(row.total, 'medianMs'),
    milliseconds(row.total, 'minMs'),
    milliseconds(row.total, 'maxMs'),
    row.backward && row.forward ? milliseconds(row.forward, 'medianMs') : '',
    row.tflops === null ? '' : row.tflops >= 1 ? row.tflops.toFixed(1) : row.tflops.toPrecision(2),
    percent(row.floors.arithmeticShare),
    percent(row.floors.bandwidthShare),
    row.extraTime === undefined ? '' : `${(row.extraTime * 100).toFixed(2)} %`,
    worst.toExponential(1),
  ];
  const kernels = `${row.timedBy === 'wall' ? '[wall time] ' : ''}${row.implementation}`;
  return [name, ...cells.map((cell, i) => cell.padStart(COLUMNS[i]![1])), ` ${kernels}`].join(' ');
}

/** What shares are shares of. */
export function describeCeilings({ copyBytesPerSecond, flopsPerSecond }: BenchCeilings): string {
  const copy = copyBytesPerSecond === null ? [] : [`copy ${(copyBytesPerSecond / 1e9).toFixed(1)} GB/s`];
  const peaks = Object.entries(flopsPerSecond).map(
    ([dtype, { value, source }]) => `peak ${dtype} ${(value / 1e12).toPrecision(3)} TFLOP/s (${source})`,
  );
  return [...copy, ...peaks].join(', ');
}

function nameWidth(jobs: readonly BenchJob[]): number {
  return Math.max(3, ...jobs.map(({ name }) => name.length));
}

function milliseconds(times: BenchTimes, part: 'medianMs' | 'minMs' | 'maxMs'): string {
  return times[part].toFixed(3);
}

function percent(share: number | null): string {
  return share === null ? '' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
