import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle.js';
import { type RunOptions, type RunReport, runTarget } from './run-target.ts';

let bundles: string;
beforeAll(async () => {
  bundles = await bundle(fileURLToPath(new URL('../test/targets', import.meta.url)), 'test-bundles');
});

function run(name: string, options: Partial<RunOptions> = {}): Promise<RunReport> {
  return runTarget({
    module: pathToFileURL(join(bundles, 'targets', `${name}.mjs`)).href,
    caseProcess: join(bundles, 'case-process.mjs'),
    cases: 1,
    seed: 1,
    memoryMiB: 64,
    ...options,
  });
}

async function runText(text: string, options: Partial<RunOptions> = {}): Promise<RunReport> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-test-'));
  try {
    writeFileSync(join(folder, 'input'), text);
    return await run('faulty', { file: join(folder, 'input'), ...options });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('runTarget', () => {
  it.each([
    ['an error of JavaScript', 'uxyz', /TypeError: Cannot read properties of null/],
    ['a wrong result', 'wxyz', /a wrong result/],
    ['too much memory', 'm', /at most 64 MiB/],
    ['the end of the process', 'e', /exit code 7/],
    ['a promise that nothing settles', 'p', /exit code 13/],
    ['a message as long as the file', 'l', /at most 2000 characters, got 100000/],
  ])('reports %s with its smallest input', async (_, text, message) => {
    const { faults, faultCount } = await runText(text);
    expect(faults.map(({ message: text }) => text)).toEqual([expect.stringMatching(message)]);
    expect(faultCount).toBe(1);
    expect(new TextDecoder().decode(faults[0].bytes)).toBe(text[0]);
  });

  it('stops a loop without end', async () => {
    const { faults } = await runText('s', { caseMs: 1000 });
    expect(faults.map(({ message }) => message)).toEqual(['a case must end in 1 s; this one does not']);
  });

  it('lets a typed error and a result pass', async () => {
    expect((await runText('r')).faults).toEqual([]);
    expect((await runText('.')).faults).toEqual([]);
  });

  it('goes on after every fault, and the same seed gives the same cases', async () => {
    const both = [await run('faulty', { cases: 20 }), await run('faulty', { cases: 20 })];
    const kinds = both.map(({ faults }) => faults.map((fault) => [fault.case, fault.kind]));
    expect(both[0].cases).toBe(20);
    expect(kinds[0].length).toBe(4);
    expect(kinds[1]).toEqual(kinds[0]);
  });

  it('reports a seed that is refused', async () => {
    expect((await run('refuses-seed')).faults[0].message).toMatch(/seed 0 must be read, got CheckpointError/);
  });
});
