import type { DepthMechanism } from '../depth-mechanism.ts';

/** The residual sum. */
export interface ResidualDepth {
  readonly kind: 'residual';
}

/** The ordinary transformer: a block reads the sum of all earlier outputs. */
export const residual: DepthMechanism<ResidualDepth> = {
  kind: 'residual',
  options: {},
  residualSum: 'kept',
  fused: () => ({ slots: null }),
  canRecompute: () => true,
};
