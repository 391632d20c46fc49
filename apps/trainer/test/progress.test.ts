import { describe, expect, it } from 'vitest';
import { bytes, compact, duration } from '../src/terminal/format.ts';
import { Progress } from '../src/terminal/progress.ts';
import { table } from '../src/terminal/table.ts';

function record(isTTY: boolean) {
  let text = '';
  const progress = new Progress({ isTTY, columns: 60, write: (more: string) => (text += more) });
  return { progress, text: () => text };
}

const row = (step: number) => ({
  step,
  loss: 2.5,
  learningRate: 1e-3,
  gradientNorm: 0.5,
  tokensPerSecond: 4096,
  timeMs: 250,
});

describe('Progress', () => {
  it('prints plain lines at fixed steps when not on a terminal', () => {
    const { progress, text } = record(false);
    for (let step = 1; step <= 400; step++) progress.listener({ kind: 'step', row: row(step), steps: 400 });
    const lines = text().trim().split('\n');
    expect(lines).toHaveLength(45);
    expect(lines[6]).toBe('step  20/400  loss 2.50000  norm 0.500  lr 1.00e-3  4.1k tok/s  0 B  left 1m35s');
    expect(text()).not.toContain('\x1b');
  });

  it('shows model FLOP/s and their share of the peak where they are known', () => {
    const { progress, text } = record(false);
    const measured = { ...row(1), modelGflopsPerSecond: 12.3, utilizationPercent: 41.27 };
    progress.listener({ kind: 'step', row: measured, steps: 1 });
    expect(text()).toContain('4.1k tok/s  12.3GFLOP/s  41.3 %  0 B');
  });

  it('keeps one live line on a terminal, cut to its width, and puts other lines above it', () => {
    const { progress, text } = record(true);
    progress.listener({ kind: 'step', row: row(1), steps: 1 });
    progress.listener({ kind: 'warning', message: 'w' });
    const [live, after] = text().split('\r\x1b[2K').slice(1);
    expect(live).toHaveLength(59);
    expect(after).toBe('warning: w\n');
  });
});

describe('format', () => {
  it('shortens counts, bytes and times', () => {
    expect([compact(999), compact(1234567), compact(0.5)]).toEqual(['999', '1.23M', '0.5']);
    expect([bytes(0), bytes(1536), bytes(3 * 2 ** 30)]).toEqual(['0 B', '1.5 KiB', '3 GiB']);
    expect([duration(400), duration(125_000), duration(3_720_000)]).toEqual(['0s', '2m05s', '1h02m']);
  });

  it('aligns columns', () => {
    expect(
      table(
        ['name', 'n'],
        [
          ['a', '1'],
          ['bcdef', '20'],
        ],
      ),
    ).toBe('name    n\na       1\nbcdef  20');
  });
});
