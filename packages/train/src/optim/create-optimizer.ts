import { AdamW, allocateGradients, type Tensor, unknownName } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';
import { isOrthogonalized } from './is-orthogonalized.ts';
import { Muon } from './muon.ts';
import type { Optimizer } from './optimizer.ts';

type OptimizerConfig = RunConfig['optimizer'];
type NamedTensors = Readonly<Record<string, Tensor>>;

/** AdamW over all parameters, or Muon over the matrices of the blocks and AdamW over the rest. Gradients get their memory here. */
export function createOptimizer(params: NamedTensors, config: OptimizerConfig): Optimizer {
  allocateGradients(params);
  switch (config.kind) {
    case 'adamw':
      return createAdamW(params, config);
    case 'muon':
      return createMuon(params, config);
    default:
      return unknownName('optimizer.kind', config.kind);
  }
}

/** What `optimizerStateBytes` needs to know of a parameter; a tensor and a `ParameterSpec` both say it. */
export type StatedParameter = Pick<Tensor, 'shape' | 'role'>;

/** Bytes of state that `createOptimizer` allocates, all in f32: two moments for AdamW, one momentum for Muon. */
export function optimizerStateBytes(
  params: Readonly<Record<string, StatedParameter>>,
  { kind }: Pick<OptimizerConfig, 'kind'>,
): number {
  const bytesOf = ([name, { shape, role }]: readonly [string, StatedParameter]): number => {
    switch (kind) {
      case 'adamw':
        return 8;
      case 'muon':
        return isOrthogonalized(name, { role, rank: shape.length }) ? 4 : 8;
      default:
        return unknownName('optimizer.kind', kind);
    }
  };
  return Object.entries(params).reduce(
    (total, entry) => total + bytesOf(entry) * entry[1].shape.reduce((product, length) => product * length, 1),
    0,
  );
}

function createMuon(params: NamedTensors, config: OptimizerConfig): Optimizer {
  const entries = Object.entries(params);
  const isMatrix = ([name, parameter]: readonly [string, Tensor]): boolean => isOrthogonalized(name, parameter);
  const matrices = Object.fromEntries(entries.filter(isMatrix));
  const others = Object.fromEntries(entries.filter((entry) => !isMatrix(entry)));
  const muon = new Muon(matrices, {
    lr: config.muonLr,
    momentum: config.muonMomentum,
    weightDecay: config.weightDecay,
  });
  return combine(muon, createAdamW(others, config));
}

function createAdamW(params: NamedTensors, { lr, betas, eps, weightDecay }: OptimizerConfig): Optimizer {
  // A rank of a sharded run may have no parameters of a kind.
  if (Object.keys(params).length === 0) return emptyOptimizer();
  const adamW = new AdamW(params, { lr, betas, eps, weightDecay });
  return {
    get stepCount() {
      return adamW.stepCount;
    },
    get laggingStepCounts() {
      return adamW.laggingStepCounts;
    },
    step: (lrRatio, gradScale) => adamW.step({ lr: lr * lrRatio, gradScale }),
    state: () => adamW.state(),
    loadState: (state, stepCount, lagging) => adamW.loadState(state, stepCount, lagging),
    dispose: () => adamW.dispose(),
  };
}

/** Counts steps like the others. */
function emptyOptimizer(): Optimizer {
  let stepCount = 0;
  return {
    get stepCount() {
      return stepCount;
    },
    laggingStepCounts: {},
    step: () => {
      stepCount++;
    },
    state: () => ({}),
    loadState: (_, savedCount) => {
      stepCount = savedCount;
    },
    dispose: () => {},
  };
}

function combine(first: Optimizer, second: Optimizer): Optimizer {
  return {
    get stepCount() {
      return first.stepCount;
    },
    get laggingStepCounts() {
      return { ...first.laggingStepCounts, ...second.laggingStepCounts };
    },
    step(lrRatio, gradScale) {
      first.step(lrRatio, gradScale);
      second.step(lrRatio, gradScale);
    },
    state: () => ({ ...first.state(), ...second.state() }),
    loadState(state, stepCount, lagging) {
      first.loadState(state, stepCount, lagging);
      second.loadState(state, stepCount, lagging);
    },
    dispose() {
      first.dispose();
      second.dispose();
    },
  };
}
