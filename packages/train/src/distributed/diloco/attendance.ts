/** Which ranks take part, as the first rank sees it; it takes part itself. */
export class Attendance {
  /** After which step a rank has taken part since, by rank; absent ones have none. */
  private readonly since = new Map<number, number>();

  constructor(
    readonly size: number,
    step: number,
  ) {
    for (let rank = 0; rank < size; rank++) this.since.set(rank, step);
  }

  get present(): number[] {
    return [...this.since.keys()].sort((a, b) => a - b);
  }

  get absent(): number[] {
    return Array.from({ length: this.size }, (_, rank) => rank).filter((rank) => !this.since.has(rank));
  }

  isPresent(rank: number): boolean {
    return this.since.has(rank);
  }

  /** Ranks that do something after a step, having been there before it. */
  expectedAfter(step: number): number[] {
    return this.present.filter((rank) => this.since.get(rank)! < step);
  }

  leave(rank: number): void {
    this.since.delete(rank);
  }

  /** The rank takes part in what happens after later steps. */
  join(rank: number, step: number): void {
    this.since.set(rank, step);
  }
}
