import type { BenchRow } from '@modajs/bench';
import { compactNumber } from '../../charts/format-number.ts';
import type { BenchSource } from '../../kernels/bench-source.ts';
import type { TableLine } from '../../kernels/bench-table.ts';
import { extraTimeOf } from '../../kernels/problem.ts';

/** Milliseconds with three digits. */
export function timeText(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toPrecision(3)} s` : `${Number(ms.toPrecision(3))} ms`;
}

function speedText(tflops: number): string {
  return tflops >= 0.1 ? `${Number(tflops.toPrecision(3))} TFLOP/s` : `${compactNumber(tflops * 1000)} GFLOP/s`;
}

function Cell({ row, source }: { readonly row: BenchRow | undefined; readonly source: BenchSource }) {
  if (row === undefined || (row.total === null && !source.isOwn)) return <td class="none">–</td>;
  if (row.total === null)
    return (
      <td class={`bench-${row.status}`} data-label={source.label} title={row.reason}>
        {row.status}
        <span class="bench-reason">{row.reason}</span>
      </td>
    );
  const extraTime = extraTimeOf(row);
  const share = Math.max(row.floors.arithmeticShare ?? 0, row.floors.bandwidthShare ?? 0);
  const parts =
    row.forward && row.backward
      ? `forward ${timeText(row.forward.medianMs)}, backward ${timeText(row.backward.medianMs)}; `
      : '';
  return (
    <td
      data-label={source.label}
      title={`${parts}${row.total.runs} runs, ${timeText(row.total.minMs)} to ${timeText(row.total.maxMs)}; ${row.implementation}`}
    >
      <b>{timeText(row.total.medianMs)}</b>
      <span class="bench-sub">
        {row.tflops !== null && speedText(row.tflops)}
        {row.isTuned !== undefined && <span> · {row.isTuned ? 'tuned' : 'not tuned'}</span>}
        {extraTime !== null && <span> · depth {(100 * extraTime).toFixed(1)} %</span>}
      </span>
      {share > 0 && (
        <span class="bench-share" title={`${(100 * share).toFixed(0)} % of this machine's measured limit`}>
          <i style={{ width: `${Math.min(100, 100 * share)}%` }} />
        </span>
      )}
    </td>
  );
}

function References({ line }: { readonly line: TableLine }) {
  if (line.references.length === 0) return <td class="none">–</td>;
  return (
    <td class="bench-references" data-label="Published">
      {line.references.map(({ label, machine, part, timeMs, tflops, extraTime }) => (
        <span key={`${label} ${part} ${machine}`} title={machine}>
          {label}
          {part === 'forward' && ', forward'}: <b>{timeMs === undefined ? speedText(tflops ?? 0) : timeText(timeMs)}</b>
          {extraTime !== undefined && ` · depth ${(100 * extraTime).toFixed(1)} %`} <i>{machine.split(',')[0]}</i>
        </span>
      ))}
    </td>
  );
}

interface BenchTableProps {
  readonly title: string;
  readonly lines: readonly TableLine[];
  readonly sources: readonly BenchSource[];
  readonly colourOf: (i: number) => string;
}

/** Problems by machines and libraries, and what others have published. */
export function BenchTable({ title, lines, sources, colourOf }: BenchTableProps) {
  const hasReferences = lines.some(({ references }) => references.length > 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="card table-scroll bench-table" tabIndex={0} aria-label={title}>
      <table>
        <thead>
          <tr>
            <th scope="col">Problem</th>
            {sources.map(({ id, label, origin, colour }) => (
              <th key={id} scope="col" title={origin}>
                <span class="bench-mark" style={{ background: colourOf(colour) }} />
                {label}
              </th>
            ))}
            {hasReferences && <th scope="col">Published</th>}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.key} class={line.isPending ? 'is-pending' : undefined}>
              <th scope="row">
                {line.problem}
                {line.variant !== '' && <span class="bench-variant">{line.variant}</span>}
              </th>
              {sources.map((source) =>
                line.isPending && source.isOwn ? (
                  <td key={source.id}>waiting</td>
                ) : (
                  <Cell key={source.id} row={line.cells.get(source.id)} source={source} />
                ),
              )}
              {hasReferences && <References line={line} />}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
