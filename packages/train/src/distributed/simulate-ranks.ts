import { hashIntegers } from '../data/permutation.ts';
import { type Link, transferMs } from './throttled-collective.ts';

/** How simulated ranks keep together. */
export type SimulatedSync =
  | {
      readonly kind: 'exact';
      /** Of a gradient on its way. */
      readonly bytesPerParameter: number;
      /** Parts of a batch on a rank; gradients travel in the last one. */
      readonly parts?: number;
      /** Of all gradients of a step, where it was measured: readback, adding up and upload too, beside the link. */
      readonly exchangeMs?: number;
    }
  | {
      readonly kind: 'diloco';
      readonly bytesPerParameter: number;
      readonly every: number;
      readonly fragments: number;
      readonly delay: number;
    };

/** What is simulated. */
export interface RankSimulation {
  readonly ranks: number;
  readonly steps: number;
  readonly parameters: number;
  readonly sync: SimulatedSync;
  readonly link: Link;
  /** A rank's step without others: measured. */
  readonly stepMs: number;
  /** Steps take up to this share longer, each as drawn. */
  readonly jitter?: number;
  /** Ranks, the last ones, that are so much slower in every step: 0.5 takes half as long again. */
  readonly stragglers?: { readonly count: number; readonly slower: number };
  /**
   * Ranks fail once in so many hours each. In exact mode all start again from the last checkpoint; with diloco the others wait
   * for `patienceMs` and go on, and the rank is back after `restartMs`.
   */
  readonly failures?: {
    readonly hoursBetween: number;
    readonly restartMs: number;
    readonly checkpointEveryMs: number;
    readonly patienceMs: number;
  };
  readonly seed?: number;
}

/** What came of it. */
export interface SimulationResult {
  /** Of the run, over all its steps. */
  readonly msPerStep: number;
  /** Steps of ranks over those that one rank alone does in the time: at most the number of ranks. */
  readonly speedUp: number;
  /** Share of the first rank's time in which it waited. */
  readonly waitedShare: number;
  /** Milliseconds a step from the start of the first rank's communication to its end, while training went on or waited. */
  readonly communicatedMs: number;
}

const BUCKETS = 8;
/** The backward pass begins after this share of a step. */
const FORWARD = 1 / 3;

/**
 * How long ranks take that nobody has: step by step, with the links' queues. Exact mode: a ring over all ranks (or, where that is
 * faster, halving and doubling) of eight buckets that travel while the backward pass goes on. Diloco: every rank's fragment over the
 * first rank's link, one after the other, and the answers back.
 */
export function simulateRanks(simulation: RankSimulation): SimulationResult {
  const { ranks, steps, sync } = simulation;
  const clocks = sync.kind === 'exact' ? simulateExact(simulation) : simulateDiloco(simulation, sync);
  const { totalMs, waitedMs } = withFailures(simulation, clocks);
  const useful = steps * simulation.stepMs * ranks * presentShare(simulation);
  const communicatedMs = clocks.communicatedMs / steps;
  return { msPerStep: totalMs / steps, speedUp: useful / totalMs, waitedShare: waitedMs / totalMs, communicatedMs };
}

interface Clocks {
  readonly totalMs: number;
  /** Of the first rank. */
  readonly waitedMs: number;
  readonly communicatedMs: number;
}

function simulateExact(simulation: RankSimulation): Clocks {
  const { steps, stepMs, ranks, sync } = simulation;
  const parts = (sync.kind === 'exact' && sync.parts) || 1;
  let totalMs = 0;
  let waitedMs = 0;
  let communicatedMs = 0;
  const measured = sync.kind === 'exact' ? sync.exchangeMs : undefined;
  const bucketMs =
    measured === undefined
      ? allReduceMs(simulation, (simulation.parameters * sync.bytesPerParameter) / BUCKETS)
      : measured / BUCKETS;
  for (let step = 0; step < steps; step++) {
    let slowest = 0;
    for (let rank = 0; rank < ranks; rank++) slowest = Math.max(slowest, stepOf(simulation, rank, step));
    const scale = slowest / stepMs;
    const before = stepMs * scale * (1 - 1 / parts);
    const part = (stepMs * scale) / parts;
    const firstReady = before + part * (FORWARD + (1 - FORWARD) / BUCKETS);
    let linkFreeAt = 0;
    for (let bucket = 1; bucket <= BUCKETS; bucket++) {
      const ready = before + part * (FORWARD + ((1 - FORWARD) * bucket) / BUCKETS);
      linkFreeAt = Math.max(linkFreeAt, ready) + bucketMs;
    }
    totalMs += linkFreeAt;
    communicatedMs += linkFreeAt - firstReady;
    waitedMs += linkFreeAt - stepOf(simulation, 0, step);
  }
  return { totalMs, waitedMs, communicatedMs };
}

/** Latencies of a sum over all ranks, one after the other: the fewer of a ring's and of halving and doubling. */
export function allReduceHops(ranks: number): number {
  return ranks === 1 ? 0 : Math.min(2 * (ranks - 1), 2 * Math.ceil(Math.log2(ranks)));
}

/** Times a buffer that each rank sends in such a sum. */
export function allReduceShare(ranks: number): number {
  return (2 * (ranks - 1)) / ranks;
}

/** The faster of a ring and of halving and doubling: both move `2 (n - 1) / n` of the bytes. */
function allReduceMs({ ranks, link }: RankSimulation, bytes: number): number {
  return allReduceHops(ranks) * link.latencyMs + transferMs(link, allReduceShare(ranks) * bytes);
}

function simulateDiloco(simulation: RankSimulation, sync: SimulatedSync & { readonly kind: 'diloco' }): Clocks {
  const { ranks, steps, link, parameters } = simulation;
  const { every, fragments, delay, bytesPerParameter } = sync;
  const fragmentMs = transferMs(link, (parameters * bytesPerParameter) / fragments);
  const clock = new Float64Array(ranks);
  const uplink = new Float64Array(ranks);
  let downlink = 0;
  let waitedMs = 0;
  let communicatedMs = 0;
  const open: { readonly appliesAt: number; readonly arrivals: Float64Array }[] = [];
  for (let step = 1; step <= steps; step++) {
    for (let rank = 0; rank < ranks; rank++) clock[rank] += stepOf(simulation, rank, step);
    for (const { appliesAt, arrivals } of open.splice(0)) {
      if (appliesAt !== step) {
        open.push({ appliesAt, arrivals });
        continue;
      }
      waitedMs += Math.max(0, arrivals[0] - clock[0]);
      for (let rank = 0; rank < ranks; rank++) clock[rank] = Math.max(clock[rank], arrivals[rank]);
    }
    for (let fragment = 0; fragment < fragments; fragment++) {
      if ((step - Math.round(((fragment + 1) * every) / fragments)) % every !== 0) continue;
      // Changes come over the first rank's link one after the other, in the order in which they were sent.
      const sent = Array.from({ length: ranks - 1 }, (_, i) => Math.max(clock[i + 1], uplink[i + 1])).sort(
        (a, b) => a - b,
      );
      for (let rank = 1; rank < ranks; rank++) uplink[rank] = Math.max(clock[rank], uplink[rank]) + fragmentMs;
      for (const time of sent) downlink = Math.max(downlink, time + link.latencyMs) + fragmentMs;
      const closed = ranks === 1 ? clock[0] : Math.max(clock[0], downlink);
      uplink[0] = Math.max(uplink[0], closed);
      const arrivals = new Float64Array(ranks);
      arrivals[0] = closed;
      for (let rank = 1; rank < ranks; rank++) {
        uplink[0] += fragmentMs;
        arrivals[rank] = uplink[0] + link.latencyMs;
      }
      communicatedMs += closed - clock[0];
      open.push({ appliesAt: step + delay, arrivals });
      if (delay > 0) continue;
      const { arrivals: now } = open.pop()!;
      waitedMs += Math.max(0, now[0] - clock[0]);
      for (let rank = 0; rank < ranks; rank++) clock[rank] = Math.max(clock[rank], now[rank]);
    }
  }
  return { totalMs: Math.max(...clock), waitedMs, communicatedMs };
}

/** Failures come at their mean rate. */
function withFailures(
  { failures, ranks, sync }: RankSimulation,
  { totalMs, waitedMs }: Clocks,
): Pick<Clocks, 'totalMs' | 'waitedMs'> {
  if (!failures) return { totalMs, waitedMs };
  const each = totalMs / (failures.hoursBetween * 3.6e6);
  // Without the first rank nobody can go on.
  const startAgain = (sync.kind === 'exact' ? ranks : 1) * each;
  const lostMs =
    startAgain * (failures.restartMs + failures.checkpointEveryMs / 2) +
    (ranks * each - startAgain) * failures.patienceMs;
  return { totalMs: totalMs + lostMs, waitedMs: waitedMs + lostMs };
}

/** Share of the ranks that take part, on average. */
function presentShare({ failures, sync, ranks }: RankSimulation): number {
  if (!failures || sync.kind === 'exact') return 1;
  const away = failures.restartMs / (failures.hoursBetween * 3.6e6 + failures.restartMs);
  return 1 - (away * (ranks - 1)) / ranks;
}

function stepOf(
  { stepMs, jitter = 0, stragglers, ranks, seed = 1 }: RankSimulation,
  rank: number,
  step: number,
): number {
  const drawn = jitter === 0 ? 0 : (hashIntegers(seed, rank, step) >>> 0) / 2 ** 32;
  const slower = stragglers && rank >= ranks - stragglers.count ? stragglers.slower : 0;
  return stepMs * (1 + jitter * drawn + slower);
}
