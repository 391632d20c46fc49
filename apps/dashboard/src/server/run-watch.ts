import type { RunEntry } from './run-list.ts';

/** What became of the runs since another moment. */
export interface RunChanges {
  readonly changed: readonly RunEntry[];
  readonly removed: readonly string[];
}

/** A moment in the history of the runs, and what a follower who knows an earlier one must learn. */
export interface RunNews extends RunChanges {
  /** To be given to `since` later. */
  readonly id: string;
  /** Whether `changed` is the whole list: what is not in it is gone. */
  readonly isWhole: boolean;
}

/**
 * Looks at the runs again and again while anyone follows. By asking, not by file events: those miss network file systems
 * and grow with the number of files, and a run appends once a second.
 */
export class RunWatch {
  private readonly epoch = Math.random().toString(36).slice(2);
  private sequence = 0;
  private entries = new Map<string, RunEntry>();
  /** The moment at which each run last changed or went. */
  private readonly changedAt = new Map<string, number>();
  private readonly followers = new Set<() => void>();
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;

  constructor(
    private readonly list: () => Promise<readonly RunEntry[]>,
    private readonly intervalMs: number,
  ) {}

  /** Looks now. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  /** What changed since `id`; the whole list when that is no moment of this watch. */
  since(id: string | undefined): RunNews {
    const known = id?.startsWith(`${this.epoch}-`) ? Number(id.slice(this.epoch.length + 1)) : Number.NaN;
    const now = `${this.epoch}-${this.sequence}`;
    if (!(known <= this.sequence)) return { id: now, isWhole: true, changed: [...this.entries.values()], removed: [] };
    const later = [...this.changedAt].filter(([, at]) => at > known).map(([run]) => run);
    return {
      id: now,
      isWhole: false,
      changed: later.flatMap((run) => this.entries.get(run) ?? []),
      removed: later.filter((run) => !this.entries.has(run)),
    };
  }

  /** Calls back after each change until the returned function is called. */
  follow(onChange: () => void): () => void {
    this.followers.add(onChange);
    this.timer ??= setInterval(() => void this.look(), this.intervalMs).unref();
    return () => {
      this.followers.delete(onChange);
      if (this.followers.size > 0 || this.timer === null) return;
      clearInterval(this.timer);
      this.timer = null;
    };
  }

  private async lookOnce(): Promise<void> {
    const found = new Map((await this.list()).map((entry) => [entry.run, entry]));
    const differs = (run: string): boolean => {
      const [before, after] = [this.entries.get(run), found.get(run)];
      return before?.bytes !== after?.bytes || before?.generation !== after?.generation;
    };
    const changed = [...new Set([...this.entries.keys(), ...found.keys()])].filter(differs);
    this.entries = found;
    if (changed.length === 0) return;
    this.sequence++;
    for (const run of changed) this.changedAt.set(run, this.sequence);
    for (const onChange of this.followers) onChange();
  }
}
