/** What ranks cost each other in a while: of one rank. */
export interface CommunicationCosts {
  /** Bytes that this rank gave to others. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Milliseconds of communication in which training went on. */
  readonly hiddenMs: number;
  /** Milliseconds in which it waited for communication, slower ranks included. */
  readonly waitedMs: number;
}

/** Adds up what communication costs until someone asks. */
export class CommunicationMeter {
  private costs = { sentBytes: 0, receivedBytes: 0, hiddenMs: 0, waitedMs: 0 };

  sent(bytes: number): void {
    this.costs.sentBytes += bytes;
  }

  received(bytes: number): void {
    this.costs.receivedBytes += bytes;
  }

  /**
   * Communication that took `totalMs` from its start to its end, of which training waited for `waitedMs`.
   */
  took(totalMs: number, waitedMs: number): void {
    this.costs.waitedMs += waitedMs;
    this.costs.hiddenMs += Math.max(0, totalMs - waitedMs);
  }

  /** The costs since the last call. */
  take(): CommunicationCosts {
    const { costs } = this;
    this.costs = { sentBytes: 0, receivedBytes: 0, hiddenMs: 0, waitedMs: 0 };
    return costs;
  }
}
