import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A run to write. */
export interface RealisticRun {
  readonly name: string;
  readonly seed: number;
  readonly rows: number;
  readonly depth: 'moda' | 'residual';
}

/** Numbers between -1 and 1 that a seed repeats. */
function noise(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Six digits, so that many long runs fit on a small disk. */
function shortened(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

/** Text of a metrics file as `moda train` writes it: a loss that falls, warm-up and cosine, evaluations, depth mass. */
export function realisticMetrics({ seed, rows, depth }: Omit<RealisticRun, 'name'>): string {
  const random = noise(seed);
  const lines: string[] = [];
  const floor = 3.1 + 0.12 * random() - (depth === 'moda' ? 0.05 : 0);
  const every = Math.max(1, Math.floor(rows / 100));
  for (let step = 1; step <= rows; step++) {
    const progress = step / rows;
    const loss = floor + 4 / (1 + 40 * progress) ** 0.8 + 0.12 * random();
    const learningRate = 3e-3 * Math.min(1, progress * 20) * (0.55 + 0.45 * Math.cos(Math.PI * progress));
    const tokensPerSecond = 18_500 + 600 * random();
    const row: Record<string, number> = {
      step,
      loss,
      learningRate,
      gradientNorm: 0.4 + 1.5 / (1 + 30 * progress) + 0.1 * Math.abs(random()),
      tokensPerSecond,
      timeMs: 1.024e6 / tokensPerSecond,
      tokens: step * 1024,
      deviceBytes: 290_000_000,
    };
    if (step % every === 0) {
      row.heldOutLoss = loss + 0.05;
      row.heldOutBitsPerByte = (loss + 0.05) / 1.9;
      if (depth === 'moda')
        for (let layer = 1; layer < 6; layer++)
          row[`depthMass/${layer}`] = (0.06 * layer * progress) / (0.2 + progress);
    }
    lines.push(JSON.stringify(row, (_, value) => (Number.isInteger(value) ? value : shortened(value))));
  }
  return `${lines.join('\n')}\n`;
}

/** Writes a run with settings and samples. */
export function realisticRun(runs: string, run: RealisticRun): void {
  const folder = join(runs, run.name);
  mkdirSync(folder, { recursive: true });
  const config = {
    run: { name: run.name, seed: run.seed, optimizer: { lr: 3e-3 } },
    model: { nLayers: 6, depth: run.depth },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'metrics.jsonl'), realisticMetrics(run));
  const samples = [
    { prompt: 'Call me', text: ' the captain of a white whale, said he; and so the sea was calm.' },
    { prompt: 'The whale', text: ' swam under the ship, and all hands saw its great back rise.' },
  ];
  writeFileSync(join(folder, 'samples.json'), JSON.stringify(samples));
}
