import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DashboardOptions, type ServedDashboard, serveDashboard } from '../src/server/index.ts';

/** A dashboard with a page of one line over a new folder: `<folder>/runs`, and a secret beside it. */
export async function servedFolder(
  options: Partial<DashboardOptions> = {},
): Promise<ServedDashboard & { readonly runs: string; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'moda-served-'));
  const [site, runs] = [join(folder, 'site'), join(folder, 'runs')];
  mkdirSync(join(site, 'assets'), { recursive: true });
  writeFileSync(join(site, 'index.html'), '<!doctype html><html><head></head><body>page</body></html>');
  writeFileSync(join(site, 'assets/app.js'), 'export {};');
  writeFileSync(join(folder, 'secret.json'), '{"secret":"outside"}');
  mkdirSync(runs);
  const served = await serveDashboard({ runs, site, pollMs: 20, ...options });
  return {
    ...served,
    runs,
    folder,
    close: async () => {
      await served.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Writes a run of `rows` steps. */
export function writeRun(runs: string, name: string, rows: number): void {
  const folder = join(runs, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ run: { name, seed: 1 }, model: { nLayers: 2 } }));
  writeFileSync(join(folder, 'metrics.jsonl'), metricsText(1, rows));
}

/** Lines of the steps `from` to `to`. */
export function metricsText(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const step = from + i;
    return `${JSON.stringify({ step, loss: 5 / step, learningRate: 0.001, gradientNorm: 1, timeMs: 10, tokens: step * 64 })}\n`;
  }).join('');
}
