import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-bench-'));
});

describe('moda bench [cpu]', () => {
  it('prints a line a row, each in a process of its own or not, and writes a benchmark file', async () => {
    for (const isolate of ['--isolate', '--no-isolate']) {
      const args = ['bench', 'moda', '--device', 'cpu', '--threads', '1', '--scale', 'smoke', '--rows', 'moda/T=4096'];
      const { code, stdout } = await runCli([...args, isolate, '--runs', '1', '--json', 'moda.json'], { cwd });
      expect(code).toBe(0);
      expect(stdout).toMatch(/copy [\d.]+ GB\/s, peak f32/);
      const { schema, rows, environment } = JSON.parse(await readFile(join(cwd, 'moda.json'), 'utf8'));
      expect([schema, environment.device, rows.length]).toEqual(['modajs-bench/1', 'cpu', 2]);
      expect(rows[1].extraTime).toBeLessThan(1);
      expect(rows[1].errors.dDepthK).toBeLessThan(rows[1].tolerance);
    }
  });

  it('refuses rows that there are not, and a peak without a number', async () => {
    const none = await runCli(['bench', 'matmul', '--device', 'cpu', '--rows', 'nothing'], { cwd });
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--rows must match a row, got "nothing"')]);
    const peak = await runCli(['bench', 'matmul', '--device', 'cpu', '--peak', 'f16'], { cwd });
    expect([peak.code, peak.stderr]).toEqual([2, expect.stringContaining('--peak must be like f16=989')]);
  });

  it('reports rows that fail, and goes on', async () => {
    const args = ['bench', 'ablation', '--device', 'cpu', '--scale', 'smoke', '--isolate', '--runs', '1'];
    const { code, stdout } = await runCli(args, { cwd });
    expect(code).toBe(1);
    expect(stdout).toMatch(/1 naive.* failed: .*needs a WebGPU device/);
    expect(stdout).toMatch(/4 group folding.* \d+\.\d{3} /);
  });
});
