import { type Collective, PeerFailedError, requireAgreement, together } from '@modajs/train';
import { joinLocalRanks, joinMpiJob } from '@modajs/train/node';
import { reportError } from '../cli/report-error.ts';

/** The processes of this run: this one alone, those of `--ranks`, or the ranks of an MPI job. */
export class Ranks {
  /** An error that every rank knows of. */
  private sharedFailure: unknown = null;
  /** Whether the ranks only exchange messages: one of them may be gone. */
  private isApart = false;

  private constructor(readonly collective: Collective | null) {}

  /** @throws CollectiveError when a launcher started several ranks and MPI cannot be used */
  static async join(): Promise<Ranks> {
    return new Ranks((await joinLocalRanks()) ?? (await joinMpiJob()));
  }

  get size(): number {
    return this.collective?.size ?? 1;
  }

  /** Whether this rank prints, logs and saves. */
  get isFirst(): boolean {
    return (this.collective?.rank ?? 0) === 0;
  }

  /** From here on nobody waits for anybody, and one rank's failure is its own (`training.sync: diloco`), until `meet`. */
  part(): void {
    this.isApart = true;
  }

  /** All ranks are there, and do things together again. */
  meet(): void {
    this.isApart = false;
  }

  /** Work that may fail on some ranks and then fails on all, with one message. */
  async together<T>(work: () => T | Promise<T>): Promise<T> {
    const { collective } = this;
    return collective && !this.isApart ? this.sharing(() => together(collective, work)) : work();
  }

  /** @throws CollectiveError when a setting is not the same on every rank */
  async requireAgreement(settings: object): Promise<void> {
    const { collective } = this;
    if (collective) await this.sharing(() => requireAgreement(collective, settings));
  }

  /** The largest of a number each has. */
  async max(value: number): Promise<number> {
    const buffer = Float64Array.of(value);
    await this.collective?.allReduce(buffer, 'max');
    return buffer[0];
  }

  /** The sum over ranks of a number each has. */
  async sum(value: number): Promise<number> {
    const buffer = Float64Array.of(value);
    await this.collective?.allReduce(buffer);
    return buffer[0];
  }

  /**
   * Runs the whole of a command and leaves the job. An error that all ranks know of ends them in order and is printed once;
   * any other ends the job at once, for the ranks beside it would wait for ever. Of ranks that are apart only the first one's
   * error ends the job.
   */
  async run(work: () => Promise<void>): Promise<void> {
    const { collective } = this;
    if (!collective) return work();
    try {
      await work();
    } catch (error) {
      process.exitCode = reportError(error);
      if (this.isApart && !this.isFirst) {
        console.error(`ranks: rank ${collective.rank} of ${collective.size} leaves; the others go on without it.`);
      } else if (error !== this.sharedFailure) {
        // One that only heard of it says nothing.
        if (!(error instanceof PeerFailedError))
          console.error(
            `ranks: rank ${collective.rank} of ${collective.size} ends the job; the last checkpoint is good.`,
          );
        return collective.abort(process.exitCode);
      }
    }
    if (this.isApart) collective.leave();
    else await collective.close();
  }

  private async sharing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.sharedFailure = error;
      throw error;
    }
  }
}
