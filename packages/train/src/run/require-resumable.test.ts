import { defineDecoderConfig } from '@modajs/models';
import { CheckpointError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import type { TrainingState } from '../checkpoint/checkpoint.ts';
import type { RunIdentity } from '../checkpoint/run-identity.ts';
import { integer } from '../config/field.ts';
import { type RawConfig, resolveConfig } from '../config/resolve-config.ts';
import { resolveRunConfig } from '../config/run-config.ts';
import { requireResumable } from './require-resumable.ts';
import { runIdentityOf } from './run-identity-of.ts';
import { initialSpikeGuard } from './spike-guard.ts';

const model = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 8, vocabSize: 300, seqLen: 16 });
const base: RawConfig = { training: { steps: 100 }, optimizer: { lr: 0.01 }, schedule: { warmupSteps: 10 } };

async function planOf(settings: RawConfig = {}) {
  const config = resolveRunConfig({ ...base, ...settings });
  return { config, identity: await runIdentityOf(config, model, '{}') };
}

function checkpointOf(identity: RunIdentity, step = 50, plannedSteps = 100) {
  const state: TrainingState = {
    step,
    plannedSteps,
    optimizerSteps: step,
    position: { drawn: 0, bySource: [0] },
    lossScale: { scale: 1, cleanSteps: 0, skipped: 0 },
    guard: initialSpikeGuard,
    unsettled: [],
    best: null,
  };
  return { state, identity, writtenBy: { trainer: '0.3.0' } };
}

const without = (identity: RunIdentity, ...keys: string[]): RunIdentity =>
  Object.fromEntries(Object.entries(identity).filter(([key]) => !keys.includes(key)));

describe('requireResumable', () => {
  it('gives a key that the checkpoint does not have its default', async () => {
    const plan = await planOf();
    const older = without(
      plan.identity,
      'optimizer.muonMomentum',
      'model.depth.kind',
      'model.biasMaps',
      'data.packing',
      'schedule.decayShare',
    );
    expect(requireResumable(checkpointOf(older), plan)).toBeNull();
    const changed = await planOf({ optimizer: { lr: 0.01, muonMomentum: 0.5 } });
    expect(() => requireResumable(checkpointOf(older), changed)).toThrow(
      'optimizer.muonMomentum is 0.95 in the checkpoint but 0.5 in the configuration. Resume with optimizer.muonMomentum=0.95',
    );
  });

  it('reads depth options in their earlier, flat form, and names the one that differs in that of today', async () => {
    const moda = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 8, vocabSize: 300, seqLen: 16, depth: 'moda' });
    const config = resolveRunConfig(base);
    const plan = { config, identity: await runIdentityOf(config, moda, '{}') };
    const others = Object.entries(plan.identity).filter(([key]) => !key.startsWith('model.depth'));
    const flat = {
      ...Object.fromEntries(others),
      'model.depth': 'moda',
      'model.depthFfnProjection': true,
      'model.depthAttentionProjection': false,
      'model.depthLastProjection': false,
      'model.depthKeyNorm': 'writer',
      'model.depthRope': 'shared',
      'model.depthChunk': 1,
      'model.depthSlots': null,
      'model.depthSlotsBy': 'recency',
      'model.hyperStreams': 4,
      'model.residualBlock': 2,
    };
    expect(requireResumable(checkpointOf(flat), plan)).toBeNull();
    expect(requireResumable(checkpointOf(without(flat, 'model.depthSlotsBy')), plan)).toBeNull();
    const bounded = { ...flat, 'model.depthSlots': 2 };
    expect(() => requireResumable(checkpointOf(bounded), plan)).toThrow(
      'model.depth.slots is 2 in the checkpoint but null in the configuration. Resume with model.depth.slots=2',
    );
    const other = { ...flat, 'model.depth': 'residual', 'model.depthFfnProjection': false };
    expect(() => requireResumable(checkpointOf(other), plan)).toThrow('model.depth.kind is residual in the checkpoint');
  });

  it('completes the entries of lists, and lets go of settings that no longer matter', async () => {
    const plan = await planOf();
    const sources = '["builtin:moby-dick"]';
    const older = {
      ...plan.identity,
      'data.sources': sources,
      'data.onInvalid': 'skip',
      'training.shardOptimizer': true,
    };
    expect(requireResumable(checkpointOf(older), plan)).toBeNull();
  });

  it.each(['optimizer.sophiaRho', 'model.depthTwist', 'magic'])(
    'refuses the key %s, which only the checkpoint knows, and names the version that wrote it',
    async (key) => {
      const plan = await planOf();
      expect(() => requireResumable(checkpointOf({ ...plan.identity, [key]: 0.9 }), plan)).toThrow(
        `${key} is 0.9 in the checkpoint, which this version does not know. Resume with the version that wrote it (trainer 0.3.0).`,
      );
    },
  );

  it('says what to restore when the tokenizer is another', async () => {
    const plan = await planOf();
    const other = { ...plan.identity, 'tokenizer.sha256': 'abc' };
    expect(() => requireResumable(checkpointOf(other), plan)).toThrow('Restore the file that tokenizer was');
  });
});

describe('a schedule under resume', () => {
  it('that jumps is refused with the rate before and after, and accepted by choice', async () => {
    const { identity } = await planOf();
    const longer = await planOf({ training: { steps: 300 } });
    const resume = (acceptsSchedule: boolean) => () =>
      requireResumable(checkpointOf(identity, 90), { ...longer, acceptsSchedule });
    expect(resume(false)).toThrow(CheckpointError);
    // Cosine from 1e-2 to 1e-3: step 91 of 100, step 91 of 300.
    const rates = 'the learning rate of step 91 is 8.40e-3, it would have been 1.23e-3';
    expect(resume(false)).toThrow(rates);
    expect(resume(false)).toThrow('Resume with training.steps=100 schedule.kind=cosine');
    expect(resume(true)()).toContain(rates);
  });

  it('of another kind is refused too', async () => {
    const { identity } = await planOf();
    const linear = await planOf({ schedule: { warmupSteps: 10, kind: 'linear' } });
    expect(() => requireResumable(checkpointOf(identity), linear)).toThrow('linear over 100 steps');
  });

  it('that only grows where the rate stays is said', async () => {
    const wsd = { warmupSteps: 10, kind: 'wsd', decayShare: 0.2 };
    const { identity } = await planOf({ schedule: wsd });
    const longer = await planOf({ schedule: wsd, training: { steps: 300 } });
    expect(requireResumable(checkpointOf(identity), longer)).toContain(
      'step 51 is 1.00e-2, it would have been 1.00e-2',
    );
  });

  it('that is the same, or has no step left, is not spoken of', async () => {
    const plan = await planOf();
    expect(requireResumable(checkpointOf(plan.identity), plan)).toBeNull();
    expect(requireResumable(checkpointOf(plan.identity, 100), await planOf({ training: { steps: 40 } }))).toBeNull();
  });
});

it('Field.since > a run saved before a setting goes on with what it did, a new one takes the default', () => {
  const section = { order: integer(2, 'Version of the order').since(1) };
  expect(resolveConfig(section, {})).toEqual({ order: 2 });
  expect(resolveConfig(section, {}, 'config', 'earlier')).toEqual({ order: 1 });
  expect(resolveConfig(section, { order: 3 }, 'config', 'earlier')).toEqual({ order: 3 });
});
