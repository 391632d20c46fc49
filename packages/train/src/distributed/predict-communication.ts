import type { RunConfig } from '../config/run-config.ts';
import { codedBytes } from './diloco/delta-codec.ts';
import { bytesPerGradient } from './gradients/block-codec.ts';
import { allReduceShare, type SimulatedSync, simulateRanks } from './simulate-ranks.ts';
import type { Link } from './throttled-collective.ts';

/** What ranks will cost each other in a step, of the first rank, as the metrics have it. */
export interface CommunicationForecast {
  readonly sentBytes: number;
  readonly hiddenMs: number;
  readonly waitedMs: number;
  /** Of a step, waiting included. */
  readonly stepMs: number;
}

/**
 * The cost of communication by the simulator.
 *
 * @param parameters numbers that are trained
 * @param stepMs of the slowest rank with its own rows, alone; its steps take up to the share `jitter` longer
 * @param exchangeMs of all gradients in exact mode, where it was measured
 */
export function predictCommunication(
  { training }: Pick<RunConfig, 'training'>,
  given: {
    readonly ranks: number;
    readonly parameters: number;
    readonly link: Link;
    readonly stepMs: number;
    readonly jitter?: number;
    readonly exchangeMs?: number;
  },
): CommunicationForecast {
  const { ranks, parameters, link, stepMs, jitter, exchangeMs } = given;
  const { diloco, sync: kind, gradientAccumulation: parts, gradientCoding } = training;
  const gradient = bytesPerGradient(gradientCoding);
  const coded = codedBytes(diloco, parameters);
  const { every, fragments, delay } = diloco;
  const sync: SimulatedSync =
    kind === 'exact'
      ? { kind, bytesPerParameter: gradient, parts, exchangeMs }
      : { kind, bytesPerParameter: coded / parameters, every, fragments, delay };
  // Whole rounds, and some of them.
  const steps = kind === 'exact' ? 200 : 4 * every;
  const { msPerStep, waitedShare, communicatedMs } = simulateRanks({
    ranks,
    steps,
    parameters,
    sync,
    link,
    stepMs,
    jitter,
  });
  const waitedMs = waitedShare * msPerStep;
  return {
    sentBytes: kind === 'exact' ? gradient * parameters * allReduceShare(ranks) : ((ranks - 1) * coded) / every,
    hiddenMs: Math.max(0, communicatedMs - waitedMs),
    waitedMs,
    stepMs: msPerStep,
  };
}
