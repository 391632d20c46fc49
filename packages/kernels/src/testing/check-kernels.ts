import type { AttentionConfig } from '../attention/attention-config.ts';
import type { AttentionProblem } from '../attention/attention-problem.ts';
import { depthMatrixObstacle } from '../attention/matrix/depth-passes.ts';
import { hasMatrixFragments } from '../attention/matrix/matrix-tiles.ts';
import { depthVectorObstacle } from '../attention/vector/vector-passes.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { attentionErrors, attentionOperands, runAttention } from './attention-case.ts';
import {
  type AttentionCase,
  attentionCases,
  attentionSizes,
  matrixCases,
  matrixSizes,
  tileCases,
  vectorCases,
} from './attention-cases.ts';
import type { KernelDevice } from './kernel-device.ts';
import { matmulErrors, matmulTolerance } from './matmul-case.ts';
import { matmulGrid } from './matmul-grid.ts';

/** What the grid of one variant gave. */
export interface VariantReport {
  /** `matmul tile`, `attention matrix`. */
  readonly variant: string;
  readonly cases: number;
  /** Largest error against f64 in parts of what the tolerance allows: at most 1 is right. */
  readonly worst: number;
  /** Case of the largest error. */
  readonly worstCase: string;
  /** One line each. */
  readonly failures: readonly string[];
}

/** A share of every grid: cases `index`, `index + of`, .. of each. */
export interface GridShare {
  readonly index: number;
  readonly of: number;
}

/** The check of one variant, not yet run. */
export interface VariantCheck {
  readonly variant: string;
  /** Cases that this adapter cannot run: it has no f16. */
  readonly leftOut: number;
  run(): Promise<VariantReport>;
}

/**
 * The grids of every variant that a device has: matrix products with their epilogues, and the attention family forward and backward,
 * each case against f64 and twice bit for bit.
 * `share` lets several processes divide the cases among them. Software adapters get the brief grids of the tests, for they compile for minutes.
 */
export function kernelChecks(gpu: KernelDevice, share: GridShare = { index: 0, of: 1 }): readonly VariantCheck[] {
  const isBrief = isSoftwareAdapter(gpu.capabilities);
  const products = matmulGrid(gpu.capabilities, isBrief).map(({ name, config, cases }): VariantCheck => {
    const variant = `matmul ${name}`;
    const runnable = cases.filter(({ dtypes }) => gpu.capabilities.f16 || !dtypes?.includes('f16'));
    return {
      variant,
      leftOut: cases.length - runnable.length,
      run: () =>
        report(
          variant,
          shareOf(runnable, share),
          (test) => JSON.stringify(test),
          (test) => matmulVerdict(gpu, test, config),
        ),
    };
  });
  return [...products, ...attentionChecks(gpu, isBrief, share)];
}

function shareOf<Case>(cases: readonly Case[], { index, of }: GridShare): readonly Case[] {
  return cases.filter((_, i) => i % of === index);
}

/** Error in parts of the tolerance, and what else is wrong. */
interface Verdict {
  readonly share: number;
  readonly complaint: string | null;
}

async function report<Case>(
  variant: string,
  cases: readonly Case[],
  describe: (test: Case) => string,
  check: (test: Case) => Promise<Verdict>,
): Promise<VariantReport> {
  let worst = 0;
  let worstCase = '';
  const failures: string[] = [];
  for (const test of cases) {
    const { share, complaint } = await check(test).catch((error: unknown) => ({
      share: Number.POSITIVE_INFINITY,
      complaint: error instanceof Error ? error.message : String(error),
    }));
    // NaN is worse than any number.
    if (!(share <= worst))
      [worst, worstCase] = [Number.isNaN(share) ? Number.POSITIVE_INFINITY : share, describe(test)];
    if (complaint !== null) failures.push(`${variant}: ${describe(test)}: ${complaint}`);
  }
  return { variant, cases: cases.length, worst, worstCase, failures };
}

async function matmulVerdict(
  gpu: KernelDevice,
  test: Parameters<typeof matmulErrors>[1],
  config: Parameters<typeof matmulErrors>[2],
): Promise<Verdict> {
  const { error, naive, strays, repeats } = await matmulErrors(gpu, test, config);
  const allowed = matmulTolerance(test, naive);
  const complaints = [
    ...(error <= allowed ? [] : [`error ${error} is above ${allowed}`]),
    ...(strays === 0 ? [] : [`${strays} elements beside the result were written`]),
    ...(repeats ? [] : ['a second run gave other bits']),
  ];
  return { share: error / allowed, complaint: complaints.join(', ') || null };
}

function attentionChecks(gpu: KernelDevice, isBrief: boolean, share: GridShare): readonly VariantCheck[] {
  const make = (variant: string, cases: readonly AttentionCase[], config: AttentionConfig): VariantCheck => {
    const runnable = cases.filter(({ problem }) => gpu.capabilities.f16 || problem.dtype === 'f32');
    const name = `attention ${variant}`;
    return {
      variant: name,
      leftOut: cases.length - runnable.length,
      run: () =>
        report(
          name,
          shareOf(runnable, share),
          (test) => test.name,
          (test) => attentionVerdict(gpu, test, config),
        ),
    };
  };
  const sequence = (test: AttentionCase) => test.problem.hasSequence;
  const tiles = isBrief ? tileCases : [...attentionCases, ...attentionSizes(true), ...tileCases].filter(sequence);
  const checks = [
    make('rows', [...attentionCases, ...attentionSizes(!isBrief)], { sequence: 'rows', depth: 'rows' }),
    make('tile', tiles, { sequence: 'tile', depth: 'rows' }),
  ];
  const vector = vectorCases.filter(({ problem }) => depthVectorObstacle(problem, gpu.capabilities) === null);
  if (vector.length > 0) checks.push(make('depth on vectors', vector, { sequence: 'rows', depth: 'vector' }));
  if (hasMatrixFragments(gpu.capabilities)) {
    checks.push(make('subgroup matrix', [...matrixCases, ...matrixSizes()], { sequence: 'matrix', depth: 'matrix' }));
  }
  return checks;
}

/** The configuration of a variant without what a problem has no use for or no kernel of: groups above 32 heads, say, in depth. */
function configFor(problem: AttentionProblem, config: AttentionConfig, gpu: KernelDevice): AttentionConfig {
  const hasMatrixDepth = depthMatrixObstacle(problem, gpu.capabilities) === null;
  return {
    ...config,
    ...(problem.hasSequence ? {} : { sequence: undefined }),
    ...(config.depth === 'matrix' && !hasMatrixDepth ? { depth: undefined } : {}),
  };
}

async function attentionVerdict(gpu: KernelDevice, test: AttentionCase, config: AttentionConfig): Promise<Verdict> {
  const { problem, options } = test;
  const operands = attentionOperands(problem, options);
  const chosen = configFor(problem, config, gpu);
  const first = await runAttention(gpu, problem, operands, chosen);
  const second = await runAttention(gpu, problem, operands, chosen);
  const errors = attentionErrors(problem, operands, first, config.sequence === 'matrix');
  const wrong = errors.filter(({ error, allowed }) => !(error <= allowed));
  const differs = Object.entries(first.raw).filter(([name, data]) =>
    data.some((x, i) => !Object.is(x, second.raw[name]![i])),
  );
  const complaints = [
    ...wrong.map(({ name, error, allowed }) => `${name}: error ${error} is above ${allowed}`),
    ...differs.map(([name]) => `${name}: a second run gave other bits`),
  ];
  const share = errors.reduce((worst, { error, allowed }) => Math.max(worst, error / allowed), 0);
  return { share, complaint: complaints.join(', ') || null };
}
