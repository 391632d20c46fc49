import { resolveRunConfig } from '@modajs/train';
import { describe, expect, it } from 'vitest';
import { nextCommands } from '../src/run/next-commands.ts';

const config = resolveRunConfig({});
const run = { config, depth: 'moda', folder: 'runs/tiny', out: 'runs', hasChat: false, given: ['--preset', 'tiny'] };
const commands = (changed: Partial<typeof run>) => nextCommands({ ...run, ...changed }).map(([command]) => command);

describe('commands after a run', () => {
  it('ask the model, look at it, train on a text of one’s own, and without depth', () => {
    expect(commands({})).toEqual([
      "moda generate tiny --prompt 'Call me Ishmael.'",
      'moda dashboard --open',
      'moda train your-text.txt --name mine',
      'moda train --preset tiny --set model.depth=residual --name tiny-residual',
    ]);
  });

  it('name the folder and the text that were given, and talk where there is a template', () => {
    const own = resolveRunConfig({ data: { sources: ["it's.txt"] } });
    const given = ["it's.txt", '-n', 'x', '--lr', '1e-3'];
    expect(commands({ config: own, hasChat: true, folder: 'out/x', out: 'out', given })).toEqual([
      'moda chat x --out out',
      'moda dashboard --open --runs out',
      "moda train 'it'\\''s.txt' --lr 1e-3 --set model.depth=residual --name x-residual",
    ]);
    expect(commands({ depth: 'residual' })).toHaveLength(3);
    expect(commands({ given: ['--resume'] })).toHaveLength(3);
  });
});
