import type { DeviceCapabilities } from '@modajs/kernels';
import type { AttentionJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { PRODUCTS, productJob } from '../presets/matmul-preset.ts';
import { paperProblem } from '../presets/paper-problem.ts';
import { type BenchScale, scaleAttention, scaleMatmul } from '../presets/scale.ts';
import { attentionGroup, firstOfEachClass, matmulGroup, TUNE_RUNS, type TuneGroup } from './tune-group.ts';

/** Heads and lengths of the paper's models, and of its benchmark: `[T, H, Hkv]`, D = 64. */
const ATTENTIONS: readonly (readonly [T: number, H: number, Hkv: number])[] = [
  [512, 6, 2],
  [4096, 16, 8],
  [4096, 64, 8],
  [16384, 64, 8],
];
/** Of a class at smoke scale: software adapters compile each for seconds. */
const SMOKE_CANDIDATES = 3;

/** What `tune` measures on a device: every product and attention that the presets know, at a scale, one group a class. */
export function tuneGroups(capabilities: DeviceCapabilities, traits: DeviceTraits, scale: BenchScale): TuneGroup[] {
  // Candidates are compared with what the device would do by itself.
  const untuned = { ...capabilities, tuning: undefined };
  const groups = [
    ...PRODUCTS.map((product) => matmulGroup(scaleMatmul(productJob(product, 'default'), traits, scale), untuned)),
    ...ATTENTIONS.flatMap(([T, H, Hkv]) =>
      (traits.f16 ? (['f16', 'f32'] as const) : (['f32'] as const)).flatMap((dtype) => {
        const sequence = scaleAttention(attentionJob(T, H, Hkv, 0, dtype), traits, scale);
        const depth = scaleAttention(attentionJob(T, H, Hkv, 64, dtype), traits, scale);
        return [attentionGroup('sequence', sequence, untuned), attentionGroup('depth', depth, untuned)];
      }),
    ),
  ];
  if (scale !== 'smoke') return firstOfEachClass(groups);
  return firstOfEachClass(groups).map((group) => ({ ...group, jobs: group.jobs.slice(0, SMOKE_CANDIDATES) }));
}

function attentionJob(T: number, H: number, Hkv: number, slots: number, dtype: 'f32' | 'f16'): AttentionJob {
  const problem = paperProblem(T, H, Hkv, slots);
  return {
    kind: 'attention',
    preset: 'tune',
    id: '',
    name: '',
    implementation: 'shipped',
    direction: 'both',
    runs: TUNE_RUNS,
    problem: { ...problem, dtype, depthGrad: { dtype, accumulate: false }, hasSequence: slots === 0 },
  };
}
