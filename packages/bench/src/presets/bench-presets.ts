import type { BenchJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { ablationPreset } from './ablation-preset.ts';
import { attentionPreset } from './attention-preset.ts';
import { matmulPreset } from './matmul-preset.ts';
import { modaPreset } from './moda-preset.ts';
import type { BenchScale } from './scale.ts';

/** Makes the jobs of a benchmark for a device. */
export type BenchPreset = (traits: DeviceTraits, scale: BenchScale) => BenchJob[];

/** The benchmarks by name. */
export const benchPresets: Readonly<Record<'matmul' | 'attention' | 'moda' | 'ablation', BenchPreset>> = {
  matmul: matmulPreset,
  attention: attentionPreset,
  moda: modaPreset,
  ablation: ablationPreset,
};
