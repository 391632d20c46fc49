import { attentionResidual, attentionResidualBlock } from './attention-residual/attention-residual.ts';
import { dense } from './dense/dense.ts';
import { denseFormer } from './denseformer/denseformer.ts';
import { depthAttention } from './depth-attention/depth-attention.ts';
import type { DepthMechanism } from './depth-mechanism.ts';
import { depthValueMix } from './depth-value-mix/depth-value-mix.ts';
import { hyperConnections } from './hyper-connections/hyper-connections.ts';
import { manifoldHyperConnections } from './hyper-connections/manifold-hyper-connections.ts';
import { laurel } from './laurel/laurel.ts';
import { moda } from './moda/moda.ts';
import { modaChunkVisible } from './moda/moda-chunk-visible.ts';
import { mudd } from './mudd/mudd.ts';
import { residual } from './residual/residual.ts';
import { valueResidual } from './value-residual/value-residual.ts';

/** Every depth mechanism: the one list of them. Types, rules, parameters and computation follow from it. */
export const mechanisms = [
  residual,
  dense,
  depthAttention,
  moda,
  modaChunkVisible,
  denseFormer,
  valueResidual,
  depthValueMix,
  attentionResidual,
  attentionResidualBlock,
  hyperConnections,
  manifoldHyperConnections,
  mudd,
  laurel,
] as const;

type DepthOf<Mechanism> = Mechanism extends DepthMechanism<infer Depth> ? Depth : never;

/** The depth part of a complete configuration: a mechanism's kind and all of its options. */
export type DepthConfig = DepthOf<(typeof mechanisms)[number]>;

/** Name of a depth mechanism. */
export type DepthKind = DepthConfig['kind'];

type InputOf<Depth> = Depth extends { readonly kind: infer Kind } ? { readonly kind: Kind } & Partial<Depth> : never;

/** A depth mechanism as it may be given: its name, or its kind with any of its options. */
export type DepthInput = DepthKind | InputOf<DepthConfig>;

/** Names of all mechanisms. */
export const depthMechanisms: readonly DepthKind[] = mechanisms.map(({ kind }) => kind);

const byKind = new Map<string, DepthMechanism<DepthConfig>>(
  mechanisms.map((mechanism) => [mechanism.kind, mechanism as DepthMechanism<DepthConfig>]),
);

/** The mechanism of that name, or null. */
export function mechanismNamed(kind: string): DepthMechanism<DepthConfig> | null {
  return byKind.get(kind) ?? null;
}

/** The mechanism of a complete configuration. */
export function mechanismOf({ kind }: DepthConfig): DepthMechanism<DepthConfig> {
  return byKind.get(kind)!;
}
