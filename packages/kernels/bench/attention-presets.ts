import type { AttentionConfig, MatrixTile } from '../src/attention/attention-config.ts';
import type { AttentionProblem } from '../src/attention/attention-problem.ts';
import type { AttentionJob } from './attention-measure.ts';
import { depthGradientJobs } from './depth-gradient-presets.ts';

/** Problem of the paper's tables: f16, B = 1, D = 64, causal, depth gradient added in place in f16. */
export function paperProblem(
  T: number,
  H: number,
  Hkv: number,
  L: number,
  more: Partial<AttentionProblem> = {},
): AttentionProblem {
  return {
    B: 1,
    T,
    Tk: T,
    H,
    Hkv,
    D: 64,
    Dv: 64,
    dtype: 'f16',
    scale: 1 / 8,
    causal: true,
    hasSequence: true,
    depth: L > 0 ? { S: L, segments: [L], Td: T, chunk: 1, chunkPhase: 0 } : null,
    depthGrad: { dtype: 'f16', accumulate: false },
    ...more,
  };
}

const tile = (subgroups: number, fragments: number, block: number): MatrixTile => ({ subgroups, fragments, block });

const describeTile = (t: MatrixTile) => `${t.subgroups}x${t.fragments * 16}x${t.block}`;

/** Candidates of the gradients of keys and values: in one pass, and in two. */
function searchJobs(T: number): AttentionJob[] {
  const job = (name: string, config: AttentionConfig): AttentionJob => ({
    name: `T=${T} ${name}`,
    problem: paperProblem(T, 64, 8, 0),
    config: { sequence: 'matrix', ...config },
    direction: 'both',
    runs: 4,
  });
  const fused = [tile(6, 2, 16), tile(4, 2, 16), tile(8, 1, 16), tile(4, 1, 16)];
  const split = [tile(4, 2, 16), tile(3, 2, 16), tile(6, 2, 16), tile(8, 1, 16), tile(2, 2, 16)];
  const rows = [tile(4, 2, 16), tile(3, 2, 16), tile(5, 2, 16), tile(8, 1, 16), tile(2, 2, 16)];
  return [
    ...fused.map((dkv, n) =>
      job(`fused ${describeTile(dkv)} rows ${describeTile(rows[n]!)}`, {
        fuseDkv: true,
        dkv,
        dq: rows[n]!,
        forward: rows[n]!,
      }),
    ),
    ...split.map((t) => job(`split ${describeTile(t)}`, { dk: t, dv: t })),
  ];
}

const TABLE2: readonly (readonly [T: number, H: number, Hkv: number, L: number])[] = [
  [4096, 64, 8, 64],
  [8192, 64, 8, 64],
  [16384, 64, 8, 64],
  [32768, 64, 8, 64],
  [65536, 64, 8, 64],
  [16384, 16, 8, 64],
  [16384, 32, 8, 64],
  [16384, 128, 8, 64],
  [16384, 256, 8, 64],
  [16384, 64, 8, 128],
  [16384, 64, 8, 256],
];

/** Every row of Table 2 with depth, and once without: the extra time is ours over ours. */
function table2Jobs(): AttentionJob[] {
  return TABLE2.flatMap(([T, H, Hkv, L], row) => {
    const runs = T >= 32768 || H >= 128 ? 3 : 5;
    const job = (slots: number): AttentionJob => ({
      name: `table2 T=${T} H=${H} Hkv=${Hkv} L=${slots}`,
      problem: paperProblem(T, H, Hkv, slots),
      direction: 'both',
      runs,
      check: T <= 8192,
    });
    // The last rows vary L alone: their baseline is the third row's.
    return row >= 9 ? [job(L)] : [job(0), job(L)];
  });
}

/** The depth part alone, forward and backward. */
function depthJobs(groups: readonly number[], subgroups: readonly number[]): AttentionJob[] {
  return groups.flatMap((G) =>
    subgroups.map((depthSubgroups) => ({
      name: `depth T=16384 G=${G} S=64 subgroups=${depthSubgroups}`,
      problem: paperProblem(16384, 8 * G, 8, 64, { hasSequence: false }),
      config: { depthSubgroups },
      direction: 'both' as const,
      runs: 7,
      check: true,
    })),
  );
}

function smokeJobs(): AttentionJob[] {
  const config: AttentionConfig = {};
  return [
    {
      name: 'smoke',
      problem: paperProblem(130, 4, 2, 3, { D: 16, Dv: 16 }),
      config,
      direction: 'both',
      runs: 2,
      check: true,
    },
  ];
}

/** The gradient of keys and values beside the other kernels of a step: a process's other pipelines change its time. */
function keyTileJobs(): AttentionJob[] {
  const tiles = [tile(6, 2, 16), tile(4, 1, 16), tile(4, 2, 16)];
  const at = (T: number, L: number, dkv: MatrixTile): AttentionJob => ({
    name: `keys T=${T} L=${L} dkv ${describeTile(dkv)}`,
    problem: paperProblem(T, 64, 8, L),
    config: { dkv },
    direction: 'both',
    runs: 5,
  });
  return tiles.flatMap((dkv) => [
    at(4096, 0, dkv),
    at(4096, 0, dkv),
    at(4096, 64, dkv),
    at(16384, 0, dkv),
    at(16384, 64, dkv),
  ]);
}

/** Jobs of a preset: `search4k`, `search16k`, `table2`, `depth`, `depthgrad`, `smoke`. */
export function presets(name: string): AttentionJob[] {
  switch (name) {
    case 'search4k':
      return searchJobs(4096);
    case 'search16k':
      return searchJobs(16384);
    case 'table2':
      return table2Jobs();
    case 'depth':
      return depthJobs([2, 4, 8, 16, 32], [1]);
    case 'depthgrad':
      return depthGradientJobs();
    case 'depthsearch':
      return depthJobs([8], [1, 2, 4, 8]);
    case 'table2short':
      return table2Jobs().filter(
        ({ problem }) => problem.T <= 16384 && problem.H === 64 && (problem.depth?.S ?? 0) <= 64,
      );
    case 'keytiles':
      return keyTileJobs();
    case 'smoke':
      return smokeJobs();
    default:
      throw new Error(`attention.bench: no preset "${name}".`);
  }
}
