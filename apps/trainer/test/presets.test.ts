import { readFileSync } from 'node:fs';
import { presets } from '@modajs/models';
import { prepareModelConfig, resolveRunConfig } from '@modajs/train';
import { expect, it } from 'vitest';
import { presetFile, presetNames, presetOf } from '../src/run/load-config.ts';

const folder = new URL('../presets/', import.meta.url);

it.each(presetNames)('%s has settings, and means the model of that name in the library', (name) => {
  const config = resolveRunConfig(presetOf(name, readFileSync(new URL(presetFile(name), folder), 'utf8')), name);
  expect(config.name).toBe(name);
  expect(prepareModelConfig(config, Math.min(config.tokenizer.vocabSize, presets[name].vocabSize))).toEqual(
    presets[name],
  );
});
