import { AdamW, allocateGradients, type Tensor, unknownName } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';
import { isOrthogonalized } from './is-orthogonalized.ts';
import { lion } from './lion.ts';
import { MomentumOptimizer } from './momentum-optimizer.ts';
import { Muon } from './muon.ts';
import type { Optimizer } from './optimizer.ts';
import type { OptimizerKind } from './optimizer-kinds.ts';
import { sgd } from './sgd.ts';

type OptimizerConfig = RunConfig['optimizer'];
type NamedTensors = Readonly<Record<string, Tensor>>;

/** What `optimizerStateBytes` needs to know of a parameter; a tensor and a `ParameterSpec` both say it. */
export type StatedParameter = Pick<Tensor, 'shape' | 'role'>;

/** How an optimiser is made from its settings, and the numbers of f32 state that it keeps for each element of a parameter. */
interface OptimizerRule {
  readonly create: (params: NamedTensors, config: OptimizerConfig) => Optimizer;
  readonly kept: (config: OptimizerConfig, name: string, parameter: StatedParameter) => number;
}

/** Every optimiser. */
const RULES: Readonly<Record<OptimizerKind, OptimizerRule>> = {
  adamw: { create: createAdamW, kept: () => 2 },
  muon: {
    create: createMuon,
    kept: (_, name, { role, shape }) => (isOrthogonalized(name, { role, rank: shape.length }) ? 1 : 2),
  },
  sgd: {
    create: (params, { lr, weightDecay, sgdMomentum: momentum, sgdNesterov: nesterov }) =>
      new MomentumOptimizer(params, sgd({ lr, weightDecay, momentum, nesterov })),
    kept: ({ sgdMomentum }) => (sgdMomentum > 0 ? 1 : 0),
  },
  lion: {
    create: (params, { lr, weightDecay, lionBetas: betas }) =>
      new MomentumOptimizer(params, lion({ lr, weightDecay, betas })),
    kept: () => 1,
  },
};

function ruleOf(kind: OptimizerKind): OptimizerRule {
  return Object.hasOwn(RULES, kind) ? RULES[kind] : unknownName('optimizer.kind', kind as never);
}

/**
 * The optimiser that `config.kind` names, over all parameters (Muon: over the matrices of the blocks, with AdamW over the rest).
 * Gradients get their memory here. @throws ConfigError for an unknown name or settings that contradict each other
 */
export function createOptimizer(params: NamedTensors, config: OptimizerConfig): Optimizer {
  const { create } = ruleOf(config.kind);
  allocateGradients(params);
  return create(params, config);
}

/** Bytes of state that `createOptimizer` allocates, all in f32. */
export function optimizerStateBytes(
  params: Readonly<Record<string, StatedParameter>>,
  config: OptimizerConfig,
): number {
  const { kept } = ruleOf(config.kind);
  return Object.entries(params).reduce(
    (total, [name, parameter]) =>
      total + 4 * kept(config, name, parameter) * parameter.shape.reduce((product, length) => product * length, 1),
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
