import { ConfigError } from '@modajs/tensor';
import { resolveRunConfig } from '@modajs/train';
import { describe, expect, it } from 'vitest';
import { loadRawConfig } from '../src/run/load-config.ts';
import { loraSettings, plainLora } from '../src/run/lora-settings.ts';

const settingsOf = async (options: Parameters<typeof loadRawConfig>[0], overrides = {}) =>
  resolveRunConfig(await loadRawConfig(options, overrides));

describe('settings of a run that starts from a model', () => {
  it('are those of fine-tuning, with no model of a preset', async () => {
    const config = await settingsOf({}, { from: 'models/Small.gguf' });
    expect(config).toMatchObject({
      name: 'Small-tuned',
      from: 'models/Small.gguf',
      model: {},
      training: { steps: 300 },
    });
    expect(config.optimizer).toMatchObject({ lr: 1e-4, weightDecay: 0 });
    expect(await settingsOf({ set: ['from=runs/tiny', 'optimizer.lr=3e-4'] })).toMatchObject({
      name: 'tiny-tuned',
      optimizer: { lr: 3e-4 },
    });
  });

  it('take larger steps for an adapter, unless they are said', async () => {
    expect((await settingsOf({}, { from: 'x', lora: plainLora })).optimizer.lr).toBe(1e-3);
    expect((await settingsOf({ set: ['optimizer.lr=2e-5'] }, { from: 'x', lora: plainLora })).optimizer.lr).toBe(2e-5);
  });

  it('refuse a preset beside it, and an adapter of nothing', async () => {
    await expect(loadRawConfig({ preset: 'tiny' }, { from: 'x' })).rejects.toThrow(ConfigError);
    expect(() => resolveRunConfig({ lora: plainLora })).toThrow('lora needs a model to adapt');
  });
});

describe('--lora', () => {
  it('reads pairs and a list', () => {
    expect(loraSettings('rank=16,alpha=32,targets=q_proj,v_proj')).toEqual({
      rank: 16,
      alpha: 32,
      targets: ['q_proj', 'v_proj'],
    });
    expect(loraSettings('targets=all-linear,rankStabilized=true')).toEqual({
      rank: 8,
      targets: ['all-linear'],
      rankStabilized: true,
    });
    expect(() => loraSettings('q_proj')).toThrow('--lora must be like rank=16');
    expect(() => resolveRunConfig({ from: 'x', lora: loraSettings('rnk=3') })).toThrow('Did you mean "lora.rank"?');
  });
});
