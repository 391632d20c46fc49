import { describe, expect, it } from 'vitest';
import { bytes, compact, duration } from '../src/terminal/format.ts';
import { Progress, stepLine } from '../src/terminal/progress.ts';
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
    expect(lines[6]).toBe('step  20/400  loss 2.5000  norm 0.500  lr 1.00e-3  4.1k tok/s  left 1m35s');
    expect(text()).not.toContain('\x1b');
  });

  it('shows what fits the line: all of it in 120 columns, no more than 80 for the largest numbers elsewhere', () => {
    const measured = { ...row(1), modelGflopsPerSecond: 12.3, utilizationPercent: 41.27 };
    expect(stepLine(measured, 1, 0, 120)).toContain('4.1k tok/s  12.3GFLOP/s  41.3 % of peak  memory 0 B  left 0s');
    const large = { step: 99_999, loss: 11.2881, gradientNorm: 1234.5, learningRate: 1e-3, tokensPerSecond: 1.23e6 };
    const line = stepLine({ ...measured, ...large }, 100_000, 1e7);
    expect(line).toBe('step  99999/100000  loss 11.2881  lr 1.00e-3  1.23M tok/s  left 2h46m');
    expect(stepLine(measured, 100_000, 1e5, 80).length).toBeLessThanOrEqual(80);
  });

  it('keeps one live line on a terminal, cut to its width, and puts other lines above it', () => {
    const { progress, text } = record(true);
    progress.listener({ kind: 'step', row: row(1), steps: 1 });
    progress.listener({ kind: 'warning', message: 'w' });
    const [live, after] = text().split('\r\x1b[2K').slice(1);
    expect(live).toBe('step 1/1  loss 2.5000  lr 1.00e-3  4.1k tok/s  left 0s');
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
