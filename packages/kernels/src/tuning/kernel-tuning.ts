import type { AttentionConfig } from '../attention/attention-config.ts';
import type { MatmulConfig } from '../matmul/matmul-config.ts';

/** Configurations that were measured to be the fastest on one device, by class of shapes. Plain data, made by `@modajs/bench`. */
export interface KernelTuning {
  /** By `matmulClass`. */
  readonly matmul: Readonly<Record<string, MatmulConfig>>;
  /** By `sequenceClass` and `depthClass`. */
  readonly attention: Readonly<Record<string, AttentionConfig>>;
}

/** Tunings by `tuningKey`: what a cache holds. */
export type TuningTables = Readonly<Record<string, KernelTuning>>;

/** Names a device for tunings: another adapter or driver has other optima. */
export function tuningKey(info: {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}): string {
  return [info.vendor, info.architecture, info.device, info.description].map((part) => part.trim() || '-').join(' / ');
}
