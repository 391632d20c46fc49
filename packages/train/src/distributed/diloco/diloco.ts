import { add, assign, noGrad, type Platform, type SafetensorsInput, type Tensor, tensor, tidy } from '@modajs/tensor';
import type { RunConfig } from '../../config/run-config.ts';
import { deferRejection } from '../../run/defer-rejection.ts';
import type { Collective, PeerMessage } from '../collective.ts';
import { CollectiveError } from '../collective-error.ts';
import { CommunicationMeter } from '../communication-meter.ts';
import { requireDivisibleBatch } from '../require-divisible-batch.ts';
import { copyToDevice, copyToHost } from '../tensor-staging.ts';
import { Attendance } from './attendance.ts';
import { codedBytes, type DeltaCodec, decodeDelta, encodeDelta, hasErrorFeedback } from './delta-codec.ts';
import { type Fragment, fragmentsDue, fragmentsOf } from './fragments.ts';
import { bytesOf, decodeLetter, encodeLetter, floatsOf, type Letter, type LetterHead } from './letters.ts';
import { OuterLeader } from './outer-leader.ts';
import { type OuterRound, roundKey } from './outer-round.ts';
import { type RankState, RankStates, sendRankState } from './rank-states.ts';

type NamedTensors = Readonly<Record<string, Tensor>>;

/** The first rank answers within this many times its own patience, evaluations and saves included; else it is gone. */
const LEADER_PATIENCE = 30;
/** How long the first rank looks out for ranks that were left out when all steps are done. */
const LAST_CHANCE_MS = 3000;
/** How often a waiting rank looks for messages. */
const LOOK_INTERVAL_MS = 1;

/** A round that this rank takes part in, or only hears of. */
interface Flight extends OuterRound {
  /** `outer - own` when it was sent; null for a rank that had no part in it. */
  readonly delta: Float32Array | null;
  /** Until the change has been read from the device and given to the transport. */
  readonly sending: Promise<void>;
  readonly startedAt: number;
}

/** What the outer parameters of a fragment change by. */
interface Update {
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly stops: boolean;
  readonly absent: readonly number[];
  readonly arrivedAt: number;
}

/** Of a checkpoint: how far the exchange was. */
export interface DilocoState {
  /** Updates of each fragment so far. */
  readonly versions: readonly number[];
  /** Rounds that were sent and not yet applied. */
  readonly rounds: readonly { readonly step: number; readonly fragment: number; readonly appliesAt: number }[];
  /** Ranks that trained. */
  readonly ranks: number;
}

/** What a rank tells while it trains. */
export interface DilocoOptions {
  readonly warn: (message: string) => void;
  readonly signal?: Platform<'AbortSignal'>;
}

/**
 * Ranks that step alone and average, now and then, what their steps changed (DiLoCo), fragment by fragment while training goes
 * on (Streaming DiLoCo). After `training.diloco.every` steps a rank sends `delta = outer - own` of a fragment to the first
 * rank, which makes an update of the outer parameters of the ranks' mean and sends it to all; `delay` steps after the sending
 * each rank applies it: `outer <- outer + update` and `own <- own + (outer - what it sent)`, which keeps the steps in between.
 * Outer parameters are the same bits on every rank, and after the last step each rank's own are the outer ones.
 *
 * A rank that is silent for `patienceSeconds`, or sends parameters that are old or not finite, is left out; when it is heard of
 * again it takes the outer parameters and the step of the first rank. Without the first rank nobody can go on.
 *
 * References: Douillard et al. 2023, "DiLoCo: distributed low-communication training of language models"; Douillard et al.
 * 2025, "Streaming DiLoCo with overlapping communication".
 */
export class Diloco {
  /** Whether all ranks stop after the last step: the same step on every rank. */
  stopAgreed = false;
  /** Ranks that the others went on without, as far as this rank knows. */
  absent: readonly number[] = [];
  readonly meter = new CommunicationMeter();
  private readonly settings: RunConfig['training']['diloco'];
  private readonly steps: number;
  private readonly fragments: readonly Fragment[];
  private readonly codec: DeltaCodec;
  private readonly plan: string;
  private readonly outer: readonly Float32Array[];
  private readonly versions: number[];
  /** Memory of each fragment's change; what coding left out of it. */
  private readonly deltas: readonly Float32Array[];
  private readonly residuals: readonly (Float32Array | null)[];
  private readonly flights = new Map<string, Flight>();
  private readonly updates = new Map<string, Update>();
  private readonly leader: OuterLeader | null;
  private readonly attendance: Attendance;
  private readonly states = new RankStates();
  private snapshot: { step: number; parts: Map<number, { version: number; values: Float32Array }> } | null = null;
  private refusal: string | null = null;
  private hasEnded = false;
  private readonly unsent = new Set<Uint8Array>();
  /** On the first rank: whether some rank was told to stop, and fragments whose own parameters are of no use. */
  private stopRequested = false;
  private readonly mustReset = new Set<number>();
  /** The last step after which everything due was done. */
  private settledStep = 0;

  /** @throws ConfigError when the batch does not divide into equal parts */
  constructor(
    private readonly collective: Collective,
    params: NamedTensors,
    private readonly config: RunConfig,
    private readonly options: DilocoOptions,
  ) {
    requireDivisibleBatch(config, collective.size);
    const { diloco, steps } = config.training;
    this.settings = diloco;
    this.steps = steps;
    this.fragments = fragmentsOf(params, diloco.fragments);
    this.codec = diloco;
    const lengths = this.fragments.map(({ length }) => length);
    const { patienceSeconds: _, ...shared } = diloco;
    this.plan = JSON.stringify({ ...shared, steps, lengths });
    const hasResiduals = hasErrorFeedback(this.codec);
    this.outer = lengths.map((length) => new Float32Array(length));
    this.deltas = lengths.map((length) => new Float32Array(length));
    this.residuals = lengths.map((length) => (hasResiduals ? new Float32Array(length) : null));
    this.versions = lengths.map(() => 0);
    this.leader = collective.rank === 0 ? new OuterLeader(lengths, this.codec, diloco, hasResiduals) : null;
    this.attendance = new Attendance(collective.size, 0);
  }

  /** This rank's rows of a global batch. */
  get rows(): { readonly first: number; readonly count: number } {
    const count = this.config.training.batchSize / this.collective.size;
    return { first: this.collective.rank * count, count };
  }

  /** The outer parameters are this rank's own. Before the first step of a run that starts. */
  async start(): Promise<void> {
    await Promise.all(this.fragments.map(({ staged, index }) => copyToHost(staged, this.outer[index])));
  }

  /**
   * After each step of this rank: exchanges what is due and applies what has come.
   *
   * @returns the step that this rank has done: another than the last one when it was left out and caught up
   * @throws CollectiveError when the first rank is gone or refuses this one
   */
  async afterStep(step: number): Promise<number> {
    this.receive();
    if (this.isSnapshotWhole) return this.catchUp();
    const isLast = step === this.steps;
    for (const flight of [...this.flights.values()]) {
      if (flight.appliesAt > step && !isLast) continue;
      if (!(await this.settle(flight))) return this.catchUp();
    }
    const { every, delay } = this.settings;
    const due = isLast ? [...this.fragments.keys()] : fragmentsDue(step, every, this.fragments.length);
    const sent = due.map((fragment) => this.send({ step, fragment, appliesAt: isLast ? step : step + delay }));
    for (const flight of sent) {
      if (flight.appliesAt === step && !(await this.settle(flight))) return this.catchUp();
    }
    this.settledStep = step;
    return step;
  }

  /** For the backward pass of a device that computes in the host's time: lets messages under way advance. */
  get onGradient(): (() => void) | undefined {
    const { device } = this.fragments[0].staged[0].tensor;
    return device.backend.canReplay ? undefined : () => this.collective.progress();
  }

  /** For a checkpoint, on the first rank: all that the exchange has, once every open round has its update. */
  async outerState(): Promise<{ tensors: Record<string, SafetensorsInput>; state: DilocoState }> {
    for (const flight of this.flights.values()) await this.closed(flight);
    const tensors: Record<string, SafetensorsInput> = this.ownState();
    for (const { index } of this.fragments) {
      tensors[`outer/${index}`] = floats(this.outer[index]);
      tensors[`momentum/${index}`] = floats(this.leader!.momenta[index]);
      const residual = this.leader!.residuals[index];
      if (residual !== null) tensors[`down/${index}`] = floats(residual);
    }
    for (const key of this.flights.keys()) tensors[`update/${key}`] = words(this.updates.get(key)!.bytes);
    const rounds = [...this.flights.values()].map(({ step, fragment, appliesAt }) => ({ step, fragment, appliesAt }));
    return { tensors, state: { versions: [...this.versions], rounds, ranks: this.collective.size } };
  }

  /** For a checkpoint, on the first rank: what each other rank alone has; those that are left out have no part in it. */
  async gatherStates(step: number): Promise<Map<number, RankState>> {
    const missing = (): number[] =>
      this.attendance.expectedAfter(step).filter((rank) => rank !== 0 && !this.states.has(step, rank));
    if (!(await this.waitFor(() => missing().length === 0, this.settings.patienceSeconds * 1000))) {
      for (const rank of missing()) this.leaveOut(rank, `has not sent its state of step ${step}`);
    }
    return this.states.take(step);
  }

  /** For a checkpoint, on the other ranks. */
  async sendState(step: number, tensors: Readonly<Record<string, SafetensorsInput>>, state: unknown): Promise<void> {
    this.meter.sent(await sendRankState(this.collective, step, { ...tensors, ...this.ownState() }, state));
  }

  /**
   * Takes up a checkpoint.
   *
   * @param outer tensors of `outerState`
   * @param own those of this rank, with names as `ownState` gives them
   */
  async restore(
    step: number,
    { versions, rounds }: DilocoState,
    outer: ReadonlyMap<string, { readonly data: ArrayLike<number> }>,
    own: ReadonlyMap<string, { readonly data: ArrayLike<number> }>,
  ): Promise<void> {
    this.settledStep = step;
    for (const { index } of this.fragments) {
      this.versions[index] = versions[index];
      this.outer[index].set(outer.get(`outer/${index}`)!.data);
      this.leader?.momenta[index].set(outer.get(`momentum/${index}`)!.data);
      this.leader?.residuals[index]?.set(outer.get(`down/${index}`)!.data);
      this.residuals[index]?.set(own.get(`residual/${index}`)?.data ?? []);
    }
    for (const round of rounds) {
      const key = roundKey(round);
      const { fragment } = round;
      const sent = own.get(`sent/${key}`);
      if (sent) this.deltas[fragment].set(sent.data);
      const delta = sent ? this.deltas[fragment] : null;
      this.flights.set(key, { ...round, delta, sending: Promise.resolve(), startedAt: performance.now() });
      const bytes = bytesOf(Uint32Array.from(outer.get(`update/${key}`)!.data));
      this.updates.set(key, {
        bytes: bytes.slice(0, codedBytes(this.codec, this.fragments[fragment].length)),
        version: versions[fragment] + 1,
        stops: false,
        absent: [],
        arrivedAt: performance.now(),
      });
    }
  }

  /** What this rank alone knows of the exchange. */
  private ownState(): Record<string, SafetensorsInput> {
    const tensors: Record<string, SafetensorsInput> = {};
    for (const [key, { delta }] of this.flights) if (delta !== null) tensors[`sent/${key}`] = floats(delta);
    for (const [index, residual] of this.residuals.entries()) {
      if (residual !== null) tensors[`residual/${index}`] = floats(residual);
    }
    return tensors;
  }

  private get wantsStop(): boolean {
    return this.options.signal?.aborted ?? false;
  }

  private get isSnapshotWhole(): boolean {
    return this.snapshot?.parts.size === this.fragments.length;
  }

  private send(round: OuterRound): Flight {
    const delta = this.deltas[round.fragment];
    const copied = copyToHost(this.fragments[round.fragment].staged, delta);
    const sending =
      copied === null ? Promise.resolve(this.post(round, delta)) : copied.then(() => this.post(round, delta));
    const flight = { ...round, delta, sending: deferRejection(sending), startedAt: performance.now() };
    this.flights.set(roundKey(round), flight);
    return flight;
  }

  /** @param own this rank's parameters; becomes the change */
  private post({ step, fragment }: OuterRound, own: Float32Array): void {
    const outer = this.outer[fragment];
    for (let i = 0; i < own.length; i++) own[i] = outer[i] - own[i];
    const bytes = encodeDelta(this.codec, own, this.residuals[fragment]);
    const version = this.versions[fragment];
    if (this.leader) {
      this.leader.add({ step, fragment }, 0, { version, bytes });
      return;
    }
    this.mail(0, { kind: 'delta', step, fragment, version, plan: this.plan, stops: this.wantsStop }, bytes);
  }

  /** Waits for a round's update and applies it; false for a rank that was left out. */
  private async settle(flight: Flight): Promise<boolean> {
    const waitedSince = performance.now();
    await flight.sending;
    if (!(await this.closed(flight))) return false;
    const key = roundKey(flight);
    const update = this.updates.get(key)!;
    this.meter.took(update.arrivedAt - flight.startedAt, performance.now() - waitedSince);
    this.flights.delete(key);
    this.updates.delete(key);
    this.apply(flight, update);
    return true;
  }

  private apply({ step, fragment, appliesAt, delta }: Flight, { bytes, version, stops, absent }: Update): void {
    this.stopAgreed ||= stops;
    if (this.leader === null) this.absent = absent;
    // A snapshot may have had it already.
    if (version !== this.versions[fragment] + 1) return;
    const { length, staged } = this.fragments[fragment];
    const update = decodeDelta(this.codec, bytes, length);
    const outer = this.outer[fragment];
    for (let i = 0; i < length; i++) outer[i] += update[i];
    this.versions[fragment] = version;
    if ((delta !== null && appliesAt === step) || this.mustReset.delete(fragment)) {
      copyToDevice(staged, outer);
      return;
    }
    if (delta !== null) for (let i = 0; i < length; i++) update[i] += delta[i];
    noGrad(() => {
      for (const { tensor: own, start } of staged) {
        tidy(() => {
          const values = update.subarray(start, start + own.size);
          assign(own, add(own, tensor(values, { shape: own.shape, device: own.device })));
        });
      }
    });
  }

  /** Waits until a round has its update; false when this rank was left out of it. */
  private async closed(flight: Flight): Promise<boolean> {
    const key = roundKey(flight);
    const patienceMs = this.settings.patienceSeconds * 1000;
    if (this.leader) {
      await flight.sending;
      if (!(await this.waitFor(() => this.updates.has(key), patienceMs))) {
        for (const rank of this.missingOf(flight)) this.leaveOut(rank, `has sent nothing of step ${flight.step}`);
        this.closeWhatIsWhole();
      }
      return true;
    }
    await this.hearsFromLeader(() => this.updates.has(key) || this.isSnapshotWhole);
    return !this.isSnapshotWhole;
  }

  /** Waits for the first rank, and says now and then that this one is there. */
  private async hearsFromLeader(isSo: () => boolean): Promise<void> {
    const { rank } = this.collective;
    const patienceMs = this.settings.patienceSeconds * 1000;
    for (let waited = 0; waited < LEADER_PATIENCE; waited++) {
      const isOver = await this.waitFor(() => isSo() || this.refusal !== null, patienceMs);
      if (this.refusal !== null) throw new CollectiveError(this.refusal, { rank });
      if (isOver) return;
      this.mail(0, { kind: 'here', plan: this.plan });
    }
    throw new CollectiveError(
      `diloco: rank 0 must answer within ${(LEADER_PATIENCE * patienceMs) / 1000} s, got nothing on rank ${rank}. ` +
        'Resume the run from its last checkpoint.',
      { rank, step: this.settledStep },
    );
  }

  /** After everything else: the ranks part knowing who is left. */
  async end(): Promise<void> {
    if (this.leader === null) return this.hearsFromLeader(() => this.hasEnded);
    // Who was left out a moment ago and is still there takes over the others' parameters before it is too late.
    const isComplete = () => this.attendance.absent.length === 0;
    if (!isComplete()) await this.waitFor(isComplete, Math.min(LAST_CHANCE_MS, 10_000 * this.settings.patienceSeconds));
    const { absent } = this.attendance;
    for (const rank of this.attendance.present) if (rank !== 0) this.mail(rank, { kind: 'end', absent });
    await this.waitFor(() => this.unsent.size === 0, absent.length === 0 ? Infinity : 1000);
  }

  /** Looks for messages until something is so; false when it took too long. */
  private async waitFor(isSo: () => boolean, limitMs: number): Promise<boolean> {
    const until = performance.now() + limitMs;
    for (;;) {
      this.receive();
      if (isSo()) return true;
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  private receive(): void {
    for (let message = this.collective.receive(); message !== null; message = this.collective.receive()) {
      this.meter.received(message.bytes.length);
      if (this.leader) this.hear(message);
      else this.obey(decodeLetter(message.bytes));
    }
    this.closeWhatIsWhole();
  }

  /** On a rank that is not the first. */
  private obey({ head, payload }: Letter): void {
    if (head.kind === 'refusal') this.refusal = head.reason;
    if (head.kind === 'end') {
      this.hasEnded = true;
      this.absent = head.absent;
    }
    if (head.kind === 'update') {
      const { version, stops, absent } = head;
      this.updates.set(roundKey(head), { bytes: payload, version, stops, absent, arrivedAt: performance.now() });
    }
    if (head.kind === 'snapshot') {
      if (this.snapshot?.step !== head.step) this.snapshot = { step: head.step, parts: new Map() };
      this.snapshot.parts.set(head.fragment, { version: head.version, values: floatsOf(payload) });
      // What came before it is in it.
      this.updates.clear();
    }
  }

  /** On the first rank. */
  private hear({ from, bytes }: PeerMessage): void {
    let letter: Letter;
    try {
      letter = decodeLetter(bytes);
    } catch (error) {
      if (!(error instanceof CollectiveError)) throw error;
      if (this.attendance.isPresent(from)) this.leaveOut(from, `has sent what is no message: ${error.message}`);
      return;
    }
    if (!this.attendance.isPresent(from)) {
      if ((letter.head.kind === 'delta' || letter.head.kind === 'here') && this.requireSamePlan(from, letter.head)) {
        this.options.warn(`train: rank ${from} is back; it goes on from step ${this.settledStep} of rank 0.`);
        this.giveSnapshot(from);
      }
      return;
    }
    if (letter.head.kind !== 'delta') {
      this.states.add(from, letter);
      return;
    }
    if (!this.requireSamePlan(from, letter.head)) return;
    this.stopRequested ||= letter.head.stops;
    this.leader!.add(letter.head, from, { version: letter.head.version, bytes: letter.payload });
  }

  private requireSamePlan(rank: number, { plan }: { readonly plan: string }): boolean {
    if (plan === this.plan) return true;
    const reason = `diloco: rank ${rank} must train as rank 0 does, ${this.plan}, got ${plan}. Start every rank with the same settings.`;
    if (this.attendance.isPresent(rank)) this.leaveOut(rank, `has other settings: ${plan}, not ${this.plan}`);
    this.mail(rank, { kind: 'refusal', reason });
    return false;
  }

  private missingOf(flight: Flight): number[] {
    return this.attendance.expectedAfter(flight.step).filter((rank) => !this.leader!.has(flight, rank));
  }

  private closeWhatIsWhole(): void {
    if (!this.leader) return;
    for (const flight of this.flights.values()) {
      const key = roundKey(flight);
      if (this.updates.has(key)) continue;
      // The first rank's own part is there when it has been read from the device.
      if (!this.leader.has(flight, 0) || this.missingOf(flight).length > 0) continue;
      this.close(flight);
    }
    this.leader.forgetUpTo(this.settledStep, new Set(this.flights.keys()));
  }

  private close(flight: Flight): void {
    const { step, fragment } = flight;
    const { bytes, refused } = this.leader!.close(flight, this.versions[fragment]);
    const version = this.versions[fragment] + 1;
    this.stopRequested ||= this.wantsStop;
    for (const [rank, why] of refused) {
      if (rank === 0) {
        this.mustReset.add(fragment);
        this.residuals[fragment]?.fill(0);
        this.options.warn(`train: rank 0 has parameters that are not finite at step ${step}; it takes the outer ones.`);
        continue;
      }
      const what = why === 'old' ? 'parameters older than the others' : 'parameters that are not finite';
      this.leaveOut(rank, `has sent ${what} at step ${step}`);
      this.giveSnapshot(rank);
    }
    const { absent } = this.attendance;
    this.absent = absent;
    const update = { bytes, version, stops: this.stopRequested, absent, arrivedAt: performance.now() };
    this.updates.set(roundKey(flight), update);
    for (const rank of this.attendance.present) this.mailUpdate(rank, flight, update);
  }

  private mailUpdate(rank: number, { step, fragment }: OuterRound, { bytes, version, stops, absent }: Update): void {
    if (rank !== 0) this.mail(rank, { kind: 'update', step, fragment, version, stops, absent }, bytes);
  }

  private leaveOut(rank: number, why: string): void {
    this.attendance.leave(rank);
    this.absent = this.attendance.absent;
    this.options.warn(`train: rank ${rank} ${why}; the others go on without it.`);
  }

  /** Gives a rank all that it needs to go on as if it had been there. */
  private giveSnapshot(rank: number): void {
    const step = this.settledStep;
    this.attendance.join(rank, step);
    this.absent = this.attendance.absent;
    for (const { index } of this.fragments) {
      const head = { kind: 'snapshot', step, fragment: index, version: this.versions[index] } as const;
      this.mail(rank, head, bytesOf(this.outer[index]));
    }
    for (const [key, flight] of this.flights) {
      const update = this.updates.get(key);
      if (update) this.mailUpdate(rank, flight, update);
    }
  }

  /** Takes the outer parameters and the step of the first rank. @returns that step */
  private catchUp(): number {
    const { step, parts } = this.snapshot!;
    this.snapshot = null;
    for (const [fragment, { version, values }] of parts) {
      this.outer[fragment].set(values);
      this.versions[fragment] = version;
      this.residuals[fragment]?.fill(0);
      copyToDevice(this.fragments[fragment].staged, this.outer[fragment]);
    }
    this.flights.clear();
    const { every, delay } = this.settings;
    for (let sent = Math.max(1, step - delay + 1); sent <= step; sent++) {
      for (const fragment of fragmentsDue(sent, every, this.fragments.length)) {
        const round = { step: sent, fragment, appliesAt: sent + delay };
        this.flights.set(roundKey(round), {
          ...round,
          delta: null,
          sending: Promise.resolve(),
          startedAt: performance.now(),
        });
      }
    }
    this.settledStep = step;
    return step;
  }

  private mail(to: number, head: LetterHead, payload?: Uint8Array): void {
    const letter = encodeLetter(head, payload);
    this.meter.sent(letter.length);
    // It arrives or it does not: who waits for it notices.
    this.unsent.add(letter);
    deferRejection(this.collective.send(to, letter).then(() => this.unsent.delete(letter)));
  }
}

function floats(data: Float32Array): SafetensorsInput {
  return { dtype: 'F32', shape: [data.length], data: data.slice() };
}

/** Bytes as u32, padded: what a safetensors file can hold. */
function words(bytes: Uint8Array): SafetensorsInput {
  const data = new Uint32Array(Math.ceil(bytes.length / 4));
  bytesOf(data).set(bytes);
  return { dtype: 'U32', shape: [data.length], data };
}
