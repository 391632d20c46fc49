import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareModelConfig, resolveRunConfig } from '@modajs/train';
import { afterAll, expect, it } from 'vitest';
import { findRunBeside } from '../src/run/run-beside.ts';

const out = mkdtempSync(join(tmpdir(), 'moda-beside-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const planOf = (depth: string, lr: number) => {
  const config = resolveRunConfig({
    name: depth,
    model: { preset: 'tiny', depth },
    optimizer: { lr },
    training: { steps: 5 },
  });
  return { config, model: prepareModelConfig(config, 1024) };
};

function writeRun(name: string, depth: string, lr: number, steps = 5): void {
  const { config: run, model } = planOf(depth, lr);
  mkdirSync(join(out, name));
  writeFileSync(join(out, name, 'config.json'), JSON.stringify({ run, model, origin: null }));
  writeFileSync(join(out, name, 'metrics.jsonl'), `${JSON.stringify({ step: steps, heldOutBitsPerByte: 2.5 })}\n`);
}

it('a report finds the finished run that differs in depth alone, and no other', async () => {
  writeRun('own', 'moda', 1e-3);
  writeRun('another-rate', 'residual', 2e-3);
  writeRun('same-depth', 'moda', 1e-3);
  writeRun('unfinished', 'residual', 1e-3, 4);
  mkdirSync(join(out, 'broken'));
  writeFileSync(join(out, 'broken/config.json'), '{');
  const find = () => findRunBeside(join(out, 'own'), planOf('moda', 1e-3));
  expect(await find()).toBeUndefined();
  writeRun('plain', 'residual', 1e-3);
  expect(await find()).toMatchObject({
    name: 'residual',
    label: expect.stringMatching(/^plain \(residual, \d+k parameters\)$/),
    metrics: [{ step: 5 }],
  });
});
