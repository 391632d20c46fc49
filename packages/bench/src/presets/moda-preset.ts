import type { AttentionJob, BenchJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { depthGradientJobs } from './depth-gradient-jobs.ts';
import { describeProblem, paperProblem } from './paper-problem.ts';
import { TABLE_2, type Table2Row } from './paper-tables.ts';
import { attentionReferences, modaReferences } from './references.ts';
import { type BenchScale, scaleAttention } from './scale.ts';

/**
 * Every row of the paper's Table 2 after its baseline, our own attention without depth; then the depth part alone by group size,
 * and at paper scale the depth gradients of training.
 */
export function modaPreset(traits: DeviceTraits, scale: BenchScale): BenchJob[] {
  const jobs = new Map<string, AttentionJob>();
  for (const row of TABLE_2) {
    const moda = scaleAttention(modaJob(row), traits, scale);
    // The baseline has the scaled sizes of its row: the same T and heads, no slots.
    const baseline = baselineJob(row, moda);
    if (!jobs.has(baseline.id)) jobs.set(baseline.id, baseline);
    jobs.set(moda.id, { ...moda, name: describeProblem(moda.problem), baseline: baseline.id });
  }
  for (const G of [2, 4, 8, 16, 32]) {
    const depth = scaleAttention(depthJob(G), traits, scale);
    jobs.set(depth.id, { ...depth, name: describeProblem(depth.problem) });
  }
  return scale === 'paper' ? [...jobs.values(), ...depthGradientJobs()] : [...jobs.values()];
}

function runsOf({ T, H }: Pick<Table2Row, 'T' | 'H'>): number {
  return T >= 32768 || H >= 128 ? 3 : 5;
}

function modaJob(row: Table2Row): AttentionJob {
  const { T, H, Hkv, L } = row;
  return {
    kind: 'attention',
    preset: 'moda',
    implementation: 'shipped',
    direction: 'both',
    id: `moda/T=${T}/G=${row.G}/L=${L}`,
    name: '',
    runs: runsOf(row),
    problem: paperProblem(T, H, Hkv, L),
    references: modaReferences(row),
  };
}

function baselineJob({ T, G, H }: Table2Row, moda: AttentionJob): AttentionJob {
  const problem = { ...moda.problem, depth: null };
  return {
    kind: 'attention',
    preset: 'moda',
    implementation: 'shipped',
    direction: 'both',
    id: `moda/T=${T}/G=${G}/L=0 beside T=${problem.T}`,
    name: describeProblem(problem),
    runs: runsOf({ T, H }),
    problem,
    references: problem.T === T ? attentionReferences(problem) : [],
  };
}

function depthJob(G: number): AttentionJob {
  return {
    kind: 'attention',
    preset: 'moda',
    implementation: 'shipped',
    direction: 'both',
    id: `moda/depth/G=${G}`,
    name: '',
    runs: 7,
    problem: { ...paperProblem(16384, 8 * G, 8, 64), hasSequence: false },
  };
}
