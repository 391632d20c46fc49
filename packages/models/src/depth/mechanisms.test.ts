import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';
import { depthMechanisms, mechanisms } from './mechanisms.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const declared = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name.includes('/'))
  .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/: DepthMechanism<.*\n {2}kind: '(.*)'/g)])
  .map(([, kind]) => kind);

describe('the list of depth mechanisms', () => {
  it('holds every mechanism that a folder beside it declares, once', () => {
    expect(declared.length).toBeGreaterThan(12);
    expect([...depthMechanisms].sort()).toEqual(declared.sort());
  });

  it.each(mechanisms.map(({ kind }) => kind))("the package's README describes %s", (kind) => {
    const readme = readFileSync(join(folder, '../../README.md'), 'utf8');
    expect(readme).toContain(`\`${kind}\``);
  });

  it.each(mechanisms.map(({ kind }) => kind))('%s is complete from its name: a default for each option', (kind) => {
    const { depth } = defineDecoderConfig({
      nLayers: 2,
      nHeads: 2,
      dModel: 16,
      vocabSize: 11,
      norm: 'pre',
      depth: kind,
    });
    const { options } = mechanisms.find((one) => one.kind === kind)!;
    expect(Object.keys(depth)).toEqual(['kind', ...Object.keys(options)]);
  });
});
