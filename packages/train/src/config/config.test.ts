import { ConfigError, editDistance, nearestKey } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { parseConfigText, parseSetOption } from './parse-config.ts';
import { configKeys, mergeConfigs } from './resolve-config.ts';
import { resolveRunConfig, runSchema } from './run-config.ts';

describe('nearestKey', () => {
  it('finds a misspelt key in the same section first', () => {
    expect(nearestKey('training.stepz', configKeys(runSchema))).toBe('training.steps');
    expect(nearestKey('optimizer.learningrate', configKeys(runSchema))).toBeNull();
    expect(nearestKey('lr', configKeys(runSchema))).toBe('optimizer.lr');
    expect(nearestKey('trainin.steps', configKeys(runSchema))).toBe('training.steps');
  });

  it('counts a swap of neighbours as one edit', () => {
    expect(editDistance('setps', 'steps')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
  });
});

describe('resolveRunConfig', () => {
  it('fills in defaults and keeps what was given', () => {
    const config = resolveRunConfig({ training: { steps: 7 }, data: { sources: 'a.txt' } });
    expect(config.training.steps).toBe(7);
    expect(config.training.batchSize).toBe(8);
    expect(config.data.sources).toEqual([{ path: 'a.txt', weight: 1 }]);
  });

  it('refuses an unknown key and names the nearest', () => {
    expect(() => resolveRunConfig({ training: { stepz: 7 } })).toThrow(
      'config: unknown key "training.stepz". Did you mean "training.steps"?',
    );
    expect(() => resolveRunConfig({ trainin: { steps: 7 } })).toThrow(ConfigError);
  });

  it.each([
    [{ training: { steps: 'many' } }, 'training.steps must be an integer at least 1, got "many"'],
    [{ training: { steps: 0 } }, 'training.steps must be an integer at least 1, got 0'],
    [{ training: 3 }, 'training must be a mapping, got 3'],
    [{ device: 'gpu' }, 'device must be one of auto, webgpu, cpu, reference, got "gpu"'],
    [{ optimizer: { betas: [0.9] } }, 'optimizer.betas must be two numbers from 0 to below 1, got [0.9]'],
    [{ data: { sources: [{ path: 'a', wieght: 2 }] } }, 'data.sources must be a list'],
  ])('refuses %j', (raw, message) => {
    expect(() => resolveRunConfig(raw)).toThrow(message);
  });

  it('refuses an accumulation that does not divide the batch', () => {
    expect(() => resolveRunConfig({ training: { batchSize: 7, gradientAccumulation: 2 } })).toThrow(
      'gradientAccumulation must divide training.batchSize, got 2 and 7',
    );
  });

  it('accepts its own output, so a saved run can be resumed', () => {
    const config = resolveRunConfig({ training: { emaDecay: 0.99 } });
    expect(resolveRunConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });
});

describe('config text', () => {
  it('gives --set values YAML types', () => {
    expect(parseSetOption('optimizer.lr=3e-4')).toEqual({ optimizer: { lr: 3e-4 } });
    expect(parseSetOption('optimizer.betas=[0.9, 0.99]')).toEqual({ optimizer: { betas: [0.9, 0.99] } });
    expect(parseSetOption('name=a=b')).toEqual({ name: 'a=b' });
    expect(() => parseSetOption('optimizer.lr')).toThrow('--set: must be key=value');
  });

  it('names line and column of broken YAML', () => {
    expect(() => parseConfigText('a: 1\nb: [1, 2\n', 'x.yaml')).toThrow(/x\.yaml: not valid YAML at line [23]/);
    expect(() => parseConfigText('- 1', 'x.yaml')).toThrow('must hold "key: value" lines');
    expect(parseConfigText('', 'x.yaml')).toEqual({});
  });

  it.each([
    ['27 keys in one another', '? '.repeat(27)],
    ['the same over lines', Array.from({ length: 27 }, (_, i) => `${' '.repeat(i)}?`).join('\n')],
    ['the same in braces', `${'{? '.repeat(27)}${'}'.repeat(27)}`],
    ['a list as a key', '[a, b]: 1'],
    ['an alias as a key', 'a: &a x\n*a : 1'],
  ])('refuses %s', (_, yaml) => {
    expect(() => parseConfigText(yaml, 'x.yaml')).toThrow('x.yaml: a key must be text');
  });

  it('merges mappings and replaces lists', () => {
    expect(mergeConfigs({ a: { b: 1, c: [1] } }, { a: { c: [2] } })).toEqual({ a: { b: 1, c: [2] } });
    const options = mergeConfigs({ depth: 'moda' }, { depth: { slots: 3 } });
    expect(options).toEqual({ depth: { kind: 'moda', slots: 3 } });
    expect(mergeConfigs(options, { depth: 'residual' })).toEqual({ depth: 'residual' });
  });
});
