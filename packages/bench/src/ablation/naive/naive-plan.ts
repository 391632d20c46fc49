import {
  type AttentionProblem,
  type DeviceCapabilities,
  elementBytes,
  foldWorkgroups,
  type KernelPass,
  type KernelPlan,
} from '@modajs/kernels';
import { type AblationParams, ablationParams, read, withTypes, write } from '../ablation-pass.ts';
import { rowStatsBytes, rowStatsPass } from '../row-stats-pass.ts';
import columnProduct from './column-product.wgsl';
import concatenate from './concatenate.wgsl';
import rowProduct from './row-product.wgsl';
import scoreGradients from './score-gradients.wgsl';
import scores from './scores.wgsl';
import separate from './separate.wgsl';
import softmax from './softmax.wgsl';

/** Columns of the concatenated keys: the sequence, and every slot of every position. */
function columns({ T, depth }: AttentionProblem): number {
  return T + T * depth!.S;
}

/** Concatenated keys and values, their gradients in f32, and one head's scores and score gradients. */
export function naiveWorkspaceBytes(problem: AttentionProblem): Readonly<Record<string, number>> {
  const { T, Hkv, D, dtype } = problem;
  const all = Hkv * columns(problem) * D;
  const head = T * columns(problem) * 4;
  return {
    allK: all * elementBytes(dtype),
    allV: all * elementBytes(dtype),
    scores: head,
    dScores: head,
    dAllK: all * 4,
    dAllV: all * 4,
    stats: rowStatsBytes(problem),
  };
}

/**
 * Step 1, naive: concatenate keys and values with all slots of all positions, then head by head all scores into memory, hidden
 * ones masked, softmax with a thread a row, and the product with the values with a thread an element. No tile, no workgroup memory.
 */
export function planNaiveForward(problem: AttentionProblem, capabilities: DeviceCapabilities): KernelPlan {
  const pass = passMaker(problem, capabilities);
  const { allK, allV, scores, stats } = naiveWorkspaceBytes(problem);
  const passes = [...concatenation(problem, pass)];
  for (let head = 0; head < problem.H; head++) {
    passes.push(
      pass('scores', { head }, [read('q'), read('allK'), read('stats'), write('scores')], problem.T * columns(problem)),
      pass('softmax', { head }, [write('scores'), write('lse')], problem.T),
      pass('row-product', { head, scale: 1 }, [read('scores'), read('allV'), write('out')], problem.T * problem.D),
    );
  }
  return { passes, workspace: { allK, allV, scores, stats } };
}

/** Its backward: the weights again, then dS in memory, and the three products with a thread an element. */
export function planNaiveBackward(problem: AttentionProblem, capabilities: DeviceCapabilities): KernelPlan {
  const { T, H, Hkv, D } = problem;
  const N = columns(problem);
  const pass = passMaker(problem, capabilities);
  const passes = [rowStatsPass(problem, capabilities), ...concatenation(problem, pass)];
  for (let head = 0; head < H; head++) {
    const isFirst = head % (H / Hkv) === 0;
    passes.push(
      pass('weights', { head }, [read('q'), read('allK'), read('stats'), write('scores')], T * N),
      pass(
        'score-gradients',
        { head },
        [read('dOut'), read('allV'), read('stats'), read('scores'), write('dScores')],
        T * N,
      ),
      pass('row-product', { head }, [read('dScores'), read('allK'), write('dq')], T * D),
      pass('column-product', { head, isFirst }, [read('dScores'), read('q'), write('dAllK')], N * D),
      pass('column-product', { head, isFirst, scale: 1 }, [read('scores'), read('dOut'), write('dAllV')], N * D),
    );
  }
  passes.push(
    pass('separate', {}, [read('dAllK'), write('dk'), write('dDepthK0')], Hkv * N * D),
    pass('separate', {}, [read('dAllV'), write('dv'), write('dDepthV0')], Hkv * N * D),
  );
  return { passes, workspace: { ...naiveWorkspaceBytes(problem) } };
}

const SHADERS = { concatenate, scores, weights: scores, softmax, separate } as const;
const PRODUCTS = {
  'row-product': rowProduct,
  'column-product': columnProduct,
  'score-gradients': scoreGradients,
} as const;
const KERNELS = { ...SHADERS, ...PRODUCTS };
type Kernel = keyof typeof KERNELS;

type PassMaker = (
  kernel: Kernel,
  params: AblationParams,
  bindings: KernelPass['bindings'],
  threads: number,
) => KernelPass;

/** Makes passes of 64 threads a workgroup, one thread an item. */
function passMaker(problem: AttentionProblem, capabilities: DeviceCapabilities): PassMaker {
  const { dtype, D } = problem;
  const gradient = problem.depthGrad?.dtype ?? dtype;
  return (kernel, params, bindings, threads) => ({
    label: `ablation-naive-${kernel}`,
    shader: withTypes(KERNELS[kernel], {
      ...(kernel === 'softmax' ? {} : { Element: dtype }),
      ...(kernel === 'separate' ? { Gradient: gradient } : {}),
    }),
    constants: { ...(kernel === 'softmax' ? {} : { D }), ...(kernel === 'weights' ? { WEIGHTS: 1 } : {}) },
    bindings,
    uniform: ablationParams(problem, params),
    workgroups: foldWorkgroups(Math.ceil(threads / 64), capabilities),
  });
}

function concatenation(problem: AttentionProblem, pass: PassMaker): KernelPass[] {
  const count = problem.Hkv * columns(problem) * problem.D;
  return [
    pass('concatenate', {}, [read('k'), read('depthK0'), write('allK')], count),
    pass('concatenate', {}, [read('v'), read('depthV0'), write('allV')], count),
  ];
}
