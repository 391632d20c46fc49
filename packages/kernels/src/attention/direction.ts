import type { AttentionProblem } from './attention-problem.ts';

/** What a plan makes: outputs, all gradients, or all gradients but those of depth slots. */
export type Direction = 'forward' | 'backward' | 'deferred';

/** The direction of a problem's backward plan. */
export function backwardDirection({ defersDepth }: AttentionProblem): Direction {
  return defersDepth ? 'deferred' : 'backward';
}
