import type { AttentionImplementation, AttentionJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { describeProblem, paperProblem } from './paper-problem.ts';
import { TABLE_7 } from './paper-tables.ts';
import { type BenchScale, scaleAttention } from './scale.ts';

const STEPS: readonly (readonly [AttentionImplementation, string])[] = [
  ['naive', '1 naive'],
  ['flat', '2 flat depth layout'],
  ['chunk-range', '3 chunk range'],
  ['shipped', '4 group folding, batched depth (shipped)'],
];

/** The four steps of the paper's Table 7, forward and backward, at one size: what the first step can hold. */
export function ablationPreset(traits: DeviceTraits, scale: BenchScale): AttentionJob[] {
  const { problem, references } = scaleAttention(stepJob('naive', ''), traits, scale);
  const isPublished = (references ?? []).length > 0;
  return STEPS.map(([implementation, name]) => ({
    ...stepJob(implementation, `${name}: ${describeProblem(problem)}`),
    problem,
    ...(isPublished ? {} : { references: [] }),
    ...(scale === 'smoke' ? { runs: 2 } : {}),
  }));
}

function stepJob(implementation: AttentionImplementation, name: string): AttentionJob {
  return {
    kind: 'attention',
    preset: 'ablation',
    implementation,
    direction: 'both',
    name,
    id: `ablation/${implementation}`,
    problem: paperProblem(1024, 64, 8, 64),
    runs: implementation === 'naive' ? 3 : 10,
    references: [
      {
        label: 'the paper, same step',
        machine: 'A100, arXiv 2603.15619 Table 7',
        part: 'total',
        timeMs: TABLE_7[implementation],
      },
    ],
  };
}
