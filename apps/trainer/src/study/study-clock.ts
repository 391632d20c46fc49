import type { StudyRun } from '@modajs/train';

/** Estimates are raised by this much before a run is started against a limit. */
const MARGIN = 1.1;

/** How long runs take, from those that have ended, and how much time there is. */
export class StudyClock {
  /** Seconds per token of ended runs by variant. */
  private readonly pace = new Map<string, number>();
  private readonly deadline: number;

  /** @param limitSeconds from now; null for no limit */
  constructor(
    limitSeconds: number | null,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.deadline = limitSeconds === null ? Infinity : this.now() + limitSeconds;
  }

  add({ variant, inputs, status, seconds }: Pick<StudyRun, 'variant' | 'inputs' | 'status' | 'seconds'>): void {
    if (status === 'finished' && inputs) this.pace.set(variant, seconds.total / inputs.tokens);
  }

  /** Seconds of a run: at the variant's own pace, else at the slowest known; null before any has ended. */
  estimate(variant: string, tokens: number): number | null {
    const pace = this.pace.get(variant) ?? (this.pace.size === 0 ? null : Math.max(...this.pace.values()));
    return pace === null ? null : pace * tokens;
  }

  /** Whether a run would end in time. The first of a study is tried while there is any time left. */
  fits(variant: string, tokens: number): boolean {
    return this.now() + MARGIN * (this.estimate(variant, tokens) ?? 0) < this.deadline;
  }
}
