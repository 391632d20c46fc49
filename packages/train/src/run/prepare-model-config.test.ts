import { ConfigError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { resolveRunConfig } from '../config/run-config.ts';
import { prepareModelConfig } from './prepare-model-config.ts';

const prepare = (model: Record<string, unknown>, vocabSize = 300) =>
  prepareModelConfig(resolveRunConfig({ model }), vocabSize);

describe('prepareModelConfig', () => {
  it('takes the vocabulary of the tokenizer, and never less than it', () => {
    expect(prepare({ nLayers: 2, nHeads: 2, dModel: 16 }).vocabSize).toBe(300);
    expect(prepare({ preset: 'nano' }).vocabSize).toBe(2048);
    expect(prepare({ preset: 'nano' }, 5000).vocabSize).toBe(5000);
    expect(() => prepare({ nLayers: 2, nHeads: 2, dModel: 16, vocabSize: 299 })).toThrow(ConfigError);
  });

  it('has no row that a tokenizer made elsewhere does not know, but for padding', () => {
    const given = (model: Record<string, unknown>, vocabSize: number) =>
      prepareModelConfig(resolveRunConfig({ model }), vocabSize, { isGiven: true }).vocabSize;
    expect(given({ preset: 'tiny' }, 512)).toBe(512);
    expect(given({ preset: 'layers-24-post-moda' }, 50_257)).toBe(50_304);
    expect(given({ preset: 'tiny' }, 1024)).toBe(1024);
    expect(given({ preset: 'tiny', vocabSize: 1024 }, 512)).toBe(1024);
  });

  it.each([null, 7, ['tiny'], {}])('refuses the preset %j', (preset) => {
    expect(() => prepare({ preset })).toThrow('model.preset must be the name of a model');
  });

  it.each(['toString', '__proto__', 'constructor', 'hasOwnProperty'])('refuses the key %s', (key) => {
    const model = JSON.parse(`{"nLayers":2,"nHeads":2,"dModel":16,"${key}":1}`);
    expect(() => prepare(model)).toThrow(`every key must be a field of DecoderConfig, got '${key}'`);
  });

  it('changes the depth mechanism of a model of the zoo without the options of the old one', () => {
    expect(prepare({ preset: 'nano' }).depth).toMatchObject({ kind: 'moda', ffnProjection: true });
    expect(prepare({ preset: 'nano', depth: 'residual' })).toMatchObject({ depth: { kind: 'residual' }, nLayers: 4 });
    const depthKv = 'moda-700m-depth-kv';
    expect(prepare({ preset: depthKv, depth: 'moda', vocabSize: 512 }).depth).toMatchObject({ ffnProjection: false });
    const chunked = prepare({ preset: depthKv, depth: { kind: 'moda-chunk-visible', chunk: 4 }, vocabSize: 512 });
    expect(chunked.depth).toMatchObject({ chunk: 4, ffnProjection: true });
  });

  it('lays options of the mechanism over those of the zoo, in their earlier form too', () => {
    const expected = { kind: 'moda', ffnProjection: false, slots: null };
    expect(prepare({ preset: 'nano', depth: { ffnProjection: false } }).depth).toMatchObject(expected);
    expect(prepare({ preset: 'nano', depthFfnProjection: false }).depth).toMatchObject(expected);
    expect(prepare({ preset: 'nano', depth: 'moda', depthFfnProjection: false }).depth).toMatchObject(expected);
    expect(() => prepare({ preset: 'nano', depth: null })).toThrow('depth must be');
    expect(() => prepare({ preset: 'nano', depth: { kind: 'residual', slots: 3 } })).toThrow("option of 'residual'");
    expect(() => prepare({ preset: 'nano', depth: 'residual', depthFfnProjection: true })).toThrow('needs depth');
  });

  it('names the nearest model and the nearest key', () => {
    expect(() => prepare({ preset: 'nanno' })).toThrow('Did you mean nano?');
    expect(() => prepare({ preset: 'nano', dmodel: 3 })).toThrow('dModel');
  });
});
