import { ConfigError } from '../../core/errors.ts';
import { shown } from '../../core/value-checks.ts';

/** One dispatch: when it began (from the first of the profile) and how long it took. */
export interface KernelSpan {
  readonly label: string;
  readonly startUs: number;
  readonly durationUs: number;
}

/** All dispatches of one kernel. */
export interface KernelTime {
  readonly label: string;
  readonly count: number;
  readonly totalMs: number;
  /** Of the time of all kernels, 0 to 1. */
  readonly share: number;
}

/** What `kernelSpans` gives. @throws ConfigError */
function checkSpans(operation: string, spans: readonly KernelSpan[]): void {
  if (Array.isArray(spans) && spans.every((span) => typeof span?.label === 'string')) return;
  throw new ConfigError(`${operation}: spans must be what kernelSpans() gives, got ${shown(spans)}.`);
}

/** Total time by kernel, longest first. @throws ConfigError for what are no spans */
export function kernelTimes(spans: readonly KernelSpan[]): KernelTime[] {
  checkSpans('kernelTimes', spans);
  const byLabel = new Map<string, { count: number; us: number }>();
  let totalUs = 0;
  for (const { label, durationUs } of spans) {
    const entry = byLabel.get(label) ?? { count: 0, us: 0 };
    entry.count++;
    entry.us += durationUs;
    totalUs += durationUs;
    byLabel.set(label, entry);
  }
  return [...byLabel]
    .map(([label, { count, us }]) => ({ label, count, totalMs: us / 1000, share: totalUs > 0 ? us / totalUs : 0 }))
    .sort((a, b) => b.totalMs - a.totalMs);
}

/** The spans as a Chrome trace (`chrome://tracing`, Perfetto): a JSON text. */
export function chromeTrace(spans: readonly KernelSpan[]): string {
  checkSpans('chromeTrace', spans);
  const traceEvents = spans.map(({ label, startUs, durationUs }) => ({
    name: label,
    cat: 'kernel',
    ph: 'X',
    ts: startUs,
    dur: durationUs,
    pid: 0,
    tid: 0,
  }));
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
}
