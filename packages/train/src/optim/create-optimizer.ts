import { AdamW, allocateGradients, type NamedTensors, type Optimizer, type Tensor, unknownName } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';
import { combineOptimizers } from './combine-optimizers.ts';
import { isOrthogonalized } from './is-orthogonalized.ts';
import { Lion } from './lion.ts';
import { Muon } from './muon.ts';
import type { OptimizerKind } from './optimizer-kinds.ts';
import { SGD } from './sgd.ts';

type OptimizerConfig = RunConfig['optimizer'];

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
      new SGD(params, { lr, weightDecay, momentum, nesterov }),
    kept: ({ sgdMomentum }) => (sgdMomentum > 0 ? 1 : 0),
  },
  lion: {
    create: (params, { lr, weightDecay, lionBetas: betas }) => new Lion(params, { lr, weightDecay, betas }),
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
  // A rank of a sharded run may own no parameters.
  if (Object.keys(params).length === 0) return emptyOptimizer();
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
  const { muonLr: lr, muonMomentum: momentum, weightDecay } = config;
  const entries = Object.entries(params);
  const isMatrix = ([name, parameter]: readonly [string, Tensor]): boolean => isOrthogonalized(name, parameter);
  const matrices = entries.filter(isMatrix);
  const others = entries.filter((entry) => !isMatrix(entry));
  return combineOptimizers(
    ...(matrices.length === 0 ? [] : [new Muon(Object.fromEntries(matrices), { lr, momentum, weightDecay })]),
    ...(others.length === 0 ? [] : [createAdamW(Object.fromEntries(others), config)]),
  );
}

function createAdamW(params: NamedTensors, { lr, betas, eps, weightDecay }: OptimizerConfig): AdamW {
  return new AdamW(params, { lr, betas, eps, weightDecay });
}

/** Counts steps like the others. */
function emptyOptimizer(): Optimizer {
  let stepCount = 0;
  return {
    params: {},
    get stepCount() {
      return stepCount;
    },
    laggingStepCounts: {},
    step: () => {
      stepCount++;
    },
    zeroGrad: () => {},
    state: () => ({}),
    loadState: (_, savedCount) => {
      stepCount = savedCount;
    },
    dispose: () => {},
    [Symbol.dispose]: () => {},
  };
}
