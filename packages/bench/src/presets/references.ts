import type { AttentionProblem } from '@modajs/kernels';
import type { BenchReference } from '../job.ts';
import { H100_AUTHORS_MODA_FORWARD, H100_PEERS, type Table2Row } from './paper-tables.ts';

const PAPER = 'A100, arXiv 2603.15619 Table 2';
const H100 = 'H100, measured for this project';

/** Peers' figures for plain attention of these sizes. */
export function attentionReferences({ T, H, Hkv, D }: AttentionProblem): readonly BenchReference[] {
  if (H !== 64 || Hkv !== 8 || D !== 64) return [];
  return H100_PEERS.filter((peer) => peer.T === T).flatMap(({ label, forwardMs, totalMs }): BenchReference[] => [
    { label, machine: H100, part: 'forward', timeMs: forwardMs },
    { label, machine: H100, part: 'total', timeMs: totalMs },
  ]);
}

/** What the paper printed for a row of Table 2, and the authors' forward on an H100. */
export function modaReferences({ T, G, L, fa2Ms, modaMs, extraTime }: Table2Row): readonly BenchReference[] {
  const forwardMs = (H100_AUTHORS_MODA_FORWARD as Readonly<Record<number, number>>)[T];
  const hasForward = G === 8 && L === 64 && forwardMs !== undefined;
  return [
    { label: 'MoDA, the paper', machine: PAPER, part: 'total', timeMs: modaMs, extraTime },
    { label: 'FlashAttention-2, the paper', machine: PAPER, part: 'total', timeMs: fa2Ms },
    ...(hasForward ? [{ label: "the authors' MoDA", machine: H100, part: 'forward', timeMs: forwardMs } as const] : []),
  ];
}
