import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

let cwd: string;
let file: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-tune-'));
  file = join(cwd, 'moda', 'tune.json');
  await mkdir(join(cwd, 'moda'));
});

const run = (...args: string[]) => runCli(args, { cwd, env: { XDG_CACHE_HOME: cwd } });

describe('moda tune', () => {
  it('keeps what it found by adapter and driver, classes that were not searched included [webgpu]', async () => {
    const other = { matmul: { 'another class': { kind: 'naive' } }, attention: {} };
    await writeFile(file, JSON.stringify({ version: 1, adapters: { 'another card': other } }));
    const { code, stdout } = await run('tune', '--scale', 'smoke', '--classes', 'depth f32 D64 Dv64 G8', '--dry-run');
    expect([code, stdout]).toEqual([2, '']);
    const searched = await run('tune', '--scale', 'smoke', '--classes', 'M4 N1024 K1024');
    expect(searched.stdout).toMatch(/M4 N1024 K1024 +\d+ candidates, default +[\d.]+ ms, best +[\d.]+ ms/);
    expect(searched.code).toBe(0);
    const { adapters } = JSON.parse(await readFile(file, 'utf8'));
    expect(adapters['another card']).toEqual(other);
    expect(Object.keys(adapters)).toHaveLength(2);
  });

  it('a damaged or foreign cache is ignored with one line of warning [webgpu]', async () => {
    for (const text of ['{ not json', '{ "version": 99 }', '[]']) {
      await writeFile(file, text);
      const { code, stderr } = await run(
        'doctor',
        '--device',
        'webgpu',
        '--no-adapters',
        '--variants',
        'gemv of one column',
      );
      const warnings = stderr.split('\n').filter((line) => line.startsWith('warning: '));
      expect(warnings).toEqual([expect.stringContaining('tune.json is ignored')]);
      expect(code).toBe(0);
    }
  });
});
