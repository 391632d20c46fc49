/** One exchange of one fragment. */
export interface OuterRound {
  /** After which step it is sent. */
  readonly step: number;
  readonly fragment: number;
  /** After which step it is applied. */
  readonly appliesAt: number;
}

/** A round's name: a fragment is sent once after a step. */
export function roundKey({ step, fragment }: Pick<OuterRound, 'step' | 'fragment'>): string {
  return `${step}.${fragment}`;
}
