import { Device, isDecayed, unknownName } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { smallConfigs } from '../../test/small-configs.ts';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';
import { createDecoder } from '../decoder/decoder.ts';
import { CountingBackend } from '../memory/counting-backend.ts';
import { deitTinyModa } from '../vision/vision-config.ts';
import { visionSpecs } from '../vision/vision-specs.ts';
import { presets } from '../zoo/presets.ts';
import { decoderSpecs } from './decoder-specs.ts';
import type { ParameterSpec, ParameterSpecs } from './parameter-spec.ts';

const models: Readonly<Record<string, ParameterSpecs>> = Object.fromEntries(
  Object.entries({ ...presets, ...smallConfigs }).map(([name, config]) => [name, decoderSpecs(config)]),
);

/** What decided before parameters had roles (commit 23b0f73). */
const byRank = {
  decays: (name: string, { shape }: ParameterSpec) => shape.length > 1 && !/embed/.test(name),
  isMuons: (name: string, { shape }: ParameterSpec) => shape.length === 2 && !/embed|lm_head/.test(name),
  multiplies: (name: string, { shape }: ParameterSpec) => shape.length === 2 && !name.startsWith('model.embed_'),
};

function namesOf(specs: ParameterSpecs, holds: (name: string, spec: ParameterSpec) => boolean): string[] {
  return Object.keys(specs).filter((name) => holds(name, specs[name]));
}

describe('roles of parameters', () => {
  it.each(Object.keys(models))('decay, Muon and FLOPs are those of the rank rule: %s', (name) => {
    const specs = models[name];
    expect(namesOf(specs, (_, { role }) => isDecayed(role))).toEqual(namesOf(specs, byRank.decays));
    expect(namesOf(specs, (_, { role }) => role === 'matrix')).toEqual(namesOf(specs, byRank.isMuons));
    expect(namesOf(specs, (_, { role }) => role === 'matrix' || role === 'output')).toEqual(
      namesOf(specs, byRank.multiplies),
    );
  });

  it('the only exceptions: the write weight of a single stream; class token and classes of vision models', () => {
    const differing = (specs: ParameterSpecs, rule: keyof typeof byRank, holds: (spec: ParameterSpec) => boolean) =>
      namesOf(specs, (name, spec) => byRank[rule](name, spec) !== holds(spec));
    const single = decoderSpecs(
      defineDecoderConfig({
        ...smallConfigs['hyper-connections'],
        nLayers: 1,
        depth: { kind: 'hyper-connections', streams: 1 },
      }),
    );
    const betas = ['model.layers.0.depth.attention_hyper.beta', 'model.layers.0.depth.ffn_hyper.beta'];
    for (const name of betas) expect(single[name]).toMatchObject({ shape: [1, 1], role: 'scalar' });
    expect(differing(single, 'decays', ({ role }) => isDecayed(role))).toEqual(betas);
    expect(differing(single, 'isMuons', ({ role }) => role === 'matrix')).toEqual(betas);
    const vision = visionSpecs(deitTinyModa);
    expect(differing(vision, 'decays', ({ role }) => isDecayed(role))).toEqual(['cls_token']);
    expect(differing(vision, 'isMuons', ({ role }) => role === 'matrix')).toEqual(['head.weight']);
  });

  it("are on a model's parameters, and fit their shapes", () => {
    for (const config of Object.values(smallConfigs)) {
      const specs = decoderSpecs(config);
      using model = createDecoder(config, { device: new Device(new CountingBackend()) });
      for (const [name, { role }] of Object.entries(model.parameters())) expect(role).toBe(specs[name].role);
    }
    for (const { shape, role } of Object.values(models).flatMap((specs) => Object.values(specs))) {
      expect(shape).toHaveLength(rankOf(role));
    }
  });
});

function rankOf(role: ParameterSpec['role']): number {
  switch (role) {
    case 'matrix':
    case 'output':
    case 'embedding':
      return 2;
    case 'norm':
    case 'bias':
    case 'vector':
    case 'scalar':
      return 1;
    default:
      return unknownName('parameter role', role);
  }
}
