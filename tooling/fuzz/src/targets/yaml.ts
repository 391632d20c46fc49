import { parseConfigText, resolveRunConfig } from '@modajs/train';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';

const texts = [
  'name: 007\ntraining: { steps: 3, batchSize: 2 }\noptimizer: { lr: 3e-4, betas: [0.9, 0.99] }\n',
  'model: { preset: tiny, depth: moda }\ndata:\n  sources:\n    - { path: 1.10, weight: 2 }\n    - b.txt\n  heldOut: 0.1\n',
  'schedule: &s { kind: wsd, warmupSteps: 5 }\nsamples:\n  prompts: ["a: b", yes, 1e5]\n  temperature: 0\n',
  'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n',
];

/** A configuration file: a mapping of checked settings, or an error of the project. */
export const target: FuzzTarget = {
  name: 'yaml',
  seeds: async () => texts.map((text) => new TextEncoder().encode(text)),
  mutate: (bytes, random) => {
    const damaged = mutateBytes(bytes, random);
    if (!random.chance(0.2)) return damaged;
    const piece = random.pick(['[', '{a: ', '- ', '? ', '*a ', '&a ', 'a:\n ', '!!x ', '"', '|\n']);
    const many = new TextEncoder().encode(piece.repeat(1 + random.int(random.pick([3, 100, 4000]))));
    const at = random.int(damaged.length + 1);
    return Uint8Array.from([...damaged.subarray(0, at), ...many, ...damaged.subarray(at)]);
  },
  run: async (bytes) => {
    const raw = parseConfigText(new TextDecoder().decode(bytes), 'fuzz.yaml');
    // The last seed is YAML and no configuration.
    if (!('a' in raw)) JSON.stringify(resolveRunConfig(raw));
  },
};
