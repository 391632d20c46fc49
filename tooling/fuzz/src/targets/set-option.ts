import { mergeConfigs, parseSetOption, prepareModelConfig, resolveRunConfig } from '@modajs/train';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';

const options = [
  'name=12e4567',
  'optimizer.lr=3e-4',
  'optimizer.betas=[0.9, 0.99]',
  'data.sources=[{path: 007, weight: 3}, b.txt]',
  'model.depth=residual',
  'model.depth.slots=3',
  'model.preset=nano',
  'tokenizer.path=null',
];
const keys = ['toString', '__proto__', 'constructor', 'model.hasOwnProperty', 'training.steps', 'model.nHeads'];

/** One `--set` option down to the model that it makes. */
export const target: FuzzTarget = {
  name: 'set-option',
  seeds: async () => options.map((option) => new TextEncoder().encode(option)),
  mutate: (bytes, random) => {
    if (random.chance(0.7)) return mutateBytes(bytes, random);
    const value = new TextDecoder().decode(bytes).replace(/^[^=]*/, '');
    return mutateBytes(new TextEncoder().encode(random.pick(keys) + value), random);
  },
  run: async (bytes) => {
    const raw = parseSetOption(new TextDecoder().decode(bytes));
    prepareModelConfig(resolveRunConfig(mergeConfigs({ model: { preset: 'tiny' } }, raw)), 512);
  },
};
