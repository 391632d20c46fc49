import { describe, expect, it } from 'vitest';
import { Field, type Section } from './field.ts';
import { configKeys } from './resolve-config.ts';
import { runSchema } from './run-config.ts';
import { settingEntries, settingsJsonSchema } from './settings-reference.ts';

const fields = (section: Section): Field<unknown>[] =>
  Object.values(section).flatMap((entry) => (entry instanceof Field ? [entry] : fields(entry)));

describe('settings reference', () => {
  it('has every setting with its default, its rule and its meaning', () => {
    const entries = settingEntries(runSchema);
    expect(entries.map(({ key }) => key)).toEqual(configKeys(runSchema));
    expect(entries.find(({ key }) => key === 'training.steps')).toEqual({
      key: 'training.steps',
      defaultText: '1000',
      expects: 'an integer at least 1',
      help: 'Optimiser steps',
    });
    expect(entries.filter(({ help, expects }) => help === '' || expects === '')).toEqual([]);
  });

  it('is a JSON Schema that says of every value what it must be, and knows no other keys', () => {
    expect(fields(runSchema).filter(({ json }) => Object.keys(json).length === 0)).toEqual([]);
    const schema = settingsJsonSchema(runSchema);
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: {
        device: { enum: ['auto', 'webgpu', 'cpu', 'reference'], default: 'auto' },
        training: {
          additionalProperties: false,
          properties: {
            steps: { type: 'integer', minimum: 1, default: 1000 },
            seqLen: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }], default: null },
          },
        },
        optimizer: { properties: { lr: { type: 'number', exclusiveMinimum: 0 } } },
      },
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});
