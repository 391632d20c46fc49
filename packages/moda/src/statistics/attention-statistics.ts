import {
  attentionPrimitive,
  ConfigError,
  cast,
  type DepthReading,
  exp,
  logsumexp,
  mul,
  noGrad,
  reshape,
  slice,
  slotTensors,
  stack,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  transpose,
  unsqueeze,
  zerosLike,
} from '@modajs/tensor';
import {
  checkedLater,
  checkFields,
  checkOperands,
  dtypeIs,
  type OptionChecks,
  rankIs,
  shapeIs,
} from '@modajs/tensor/checks';
import { slotLogits } from './attention-map.ts';
import type { AttentionProbe } from './attention-probe.ts';
import { checkProbe } from './check-probe.ts';
import { groupHeads, logitsOf, softmaxScale } from './group-heads.ts';

/** Where the probability mass of each query went, f32 `[B, H, T]` each. */
export interface AttentionStatistics {
  /** Share of the softmax on depth keys, 0..1; 0 when there is no slot. */
  readonly depthMass: Tensor;
  /** Entropy in nats of the distribution inside the depth part; 0 when there is no slot, at most log S. */
  readonly depthEntropy: Tensor;
  /** Share of the softmax on key 0 of the sequence, the usual attention sink. */
  readonly sinkMass: Tensor;
}

/**
 * Statistics of one layer, with O(T) memory: nothing of size T^2 is formed. Everything is computed in f32; the depth keys of an
 * f16 layer are copied for it.
 *
 * @throws ConfigError for chunk-visible depth under a cap on the logits
 */
export function attentionStatistics(probe: AttentionProbe): AttentionStatistics {
  checkProbe('attentionStatistics', probe);
  return tidy(() =>
    noGrad(() => {
      const sinkMass = mul(exp(sub(sinkLogit(probe), probe.lse)), seesSink(probe));
      if (!probe.depth) return { depthMass: zerosLike(probe.lse), depthEntropy: zerosLike(probe.lse), sinkMass };
      if (typeof probe.config.logitSoftcap === 'number') return { ...cappedDepth(probe), sinkMass };
      const q = cast(probe.q, 'f32');
      // Values replaced by keys: the output is the mean key, and entropy = lse - scale q . mean key.
      const meanKey = attentionPrimitive({
        q,
        k: null,
        v: null,
        depth: keysAsValues(probe.depth, probe.slots),
        docRange: probe.docRange,
        Tk: probe.Tk,
        scale: softmaxScale(probe),
        chunk: probe.config.depthChunk,
        chunkPhase: probe.firstPosition % probe.config.depthChunk,
      });
      const meanLogit = mul(transpose(sum(mul(q, meanKey.out), { axes: [3] })), softmaxScale(probe));
      return {
        depthMass: exp(sub(meanKey.lse, probe.lse)),
        depthEntropy: sub(meanKey.lse, meanLogit),
        sinkMass,
      };
    }),
  );
}

/** The mean logit is not the mean key's under a cap: each slot's logit is computed, with O(T S) memory. */
function cappedDepth(probe: AttentionProbe): Pick<AttentionStatistics, 'depthMass' | 'depthEntropy'> {
  const { depthChunk, logitSoftcap } = probe.config;
  if (depthChunk > 1) {
    throw new ConfigError(
      `attentionStatistics: under a cap depth keys must belong to the query's own position, got depthChunk=${depthChunk} and logitSoftcap=${logitSoftcap}. Leave one of them out.`,
      { depthChunk, logitSoftcap },
    );
  }
  const logits = slotLogits(probe); // [B, H, T, S]
  const lse = logsumexp(logits, { axes: [3] });
  const meanLogit = sum(mul(exp(sub(logits, unsqueeze(lse, 3))), logits), { axes: [3] });
  return { depthMass: exp(sub(lse, probe.lse)), depthEntropy: sub(lse, meanLogit) };
}

/** Where a window leaves key 0 in sight: `[1, 1, T]` of 0 and 1, or 1. */
function seesSink({ sequenceQ, Tk, lse, config }: AttentionProbe): Tensor | number {
  const { window = null } = config;
  if (window === null) return 1;
  const T = sequenceQ.shape[1];
  const seen = new Float32Array(T).map((_, i) => Number(Tk - T + i < window));
  return tensor(seen, { shape: [1, 1, T], device: lse.device });
}

/** The reading in f32, with keys for values. */
function keysAsValues(depth: DepthReading, slots: readonly Tensor[]): DepthReading {
  const segments = slots[0].dtype === 'f32' ? depth.segments.map(({ k }) => ({ k, v: k })) : copies(depth, slots);
  return { ...depth, segments, gradients: null, writers: [] };
}

/** f32 copies of the slots' keys in segments of as many slots, which a device can bind: their size is limited as if f32. */
function copies(depth: DepthReading, slots: readonly Tensor[]): DepthReading['segments'] {
  let first = 0;
  return depth.segments.flatMap(({ k }) => {
    const part = slots.slice(first, first + k.shape[0]);
    first += part.length;
    if (part.length === 0) return [];
    const keys = stack(
      part.map((key) => cast(key, 'f32')),
      0,
    );
    return slotTensors(keys, keys).segments;
  });
}

/** `scale q . k[0]` as `[B, H, T]`. */
function sinkLogit(probe: AttentionProbe): Tensor {
  const { sequenceQ, k } = probe;
  const [B, T, H, D] = sequenceQ.shape;
  const Hkv = k.shape[2];
  const first = cast(reshape(slice(k, [0, 0, 0, 0], [B, 1, Hkv, D]), [B, 1, Hkv, 1, D]), 'f32');
  const logits = sum(mul(groupHeads(cast(sequenceQ, 'f32'), Hkv), first), { axes: [4] });
  return logitsOf(transpose(reshape(logits, [B, T, H])), probe);
}

/** Means over batch and positions, by head. */
export interface AttentionSummary {
  readonly depthMass: Float32Array;
  readonly depthEntropy: Float32Array;
  readonly sinkMass: Float32Array;
  /** Queries a head's means are taken over. */
  readonly count: number;
}

const STATISTICS: OptionChecks<AttentionStatistics> = {
  depthMass: checkedLater,
  depthEntropy: checkedLater,
  sinkMass: checkedLater,
};

/** Reads statistics back and averages them by head. */
export async function summarizeAttention(statistics: AttentionStatistics): Promise<AttentionSummary> {
  checkFields('summarizeAttention', 'statistics', statistics, STATISTICS);
  const { depthMass, depthEntropy, sinkMass } = statistics;
  checkOperands('summarizeAttention', { depthMass, depthEntropy, sinkMass });
  for (const part of [depthMass, depthEntropy, sinkMass]) dtypeIs('summarizeAttention', 'statistics', part, 'f32');
  rankIs('summarizeAttention', 'depthMass', depthMass, '[B, H, T]');
  shapeIs('summarizeAttention', 'depthEntropy', depthEntropy.shape, depthMass.shape);
  shapeIs('summarizeAttention', 'sinkMass', sinkMass.shape, depthMass.shape);
  const [B, H, T] = depthMass.shape;
  const byHead = async (x: Tensor): Promise<Float32Array> => {
    const values = await x.data();
    const means = new Float32Array(H);
    for (let i = 0; i < values.length; i++) means[Math.floor(i / T) % H] += values[i] / (B * T);
    return means;
  };
  return {
    depthMass: await byHead(depthMass),
    depthEntropy: await byHead(depthEntropy),
    sinkMass: await byHead(sinkMass),
    count: B * T,
  };
}
