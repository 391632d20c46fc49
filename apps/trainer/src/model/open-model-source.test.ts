import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openModelSource } from './open-model-source.ts';

const before = process.cwd();
let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-names-'));
  await mkdir(join(cwd, 'empty/inner'), { recursive: true });
  await writeFile(join(cwd, 'notes.txt'), 'no model');
  process.chdir(cwd);
});
afterAll(async () => {
  process.chdir(before);
  await rm(cwd, { recursive: true, force: true });
});

describe('the name of a model', () => {
  it.each([
    './missing',
    '../missing',
    './a/b',
    'missing/',
    '/missing',
    '/no/such',
    '~/missing',
    'C:\\missing',
    'runs/no',
  ])('says that there is nothing at the path %s', async (name) => {
    await expect(openModelSource(name, { out: 'runs' })).rejects.toThrow(
      `model: ${name} must be a folder or a .gguf file, got nothing there. Check the path.`,
    );
  });

  it.each([
    ['./empty', 'a folder with none of them'],
    ['empty', 'a folder with none of them'],
    ['empty/inner', 'a folder with none of them'],
    ['notes.txt', 'a file of another kind'],
  ])('says that there is no model in %s', async (name, what) => {
    await expect(openModelSource(name, { out: 'runs' })).rejects.toThrow(
      `model: ${name} must have a run's config.json, Hugging Face's model.safetensors or PEFT's adapter_config.json, or end in .gguf, got ${what}.`,
    );
  });

  it('asks the hub for owner/name, and looks for a run where there is no slash', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
    for (const [name, out] of [
      ['owner/a.model-1', 'runs'],
      ['owner/a', '.'],
    ]) {
      const asked = new RegExp(`^hub: https://[^/]+/${name} must be reachable for main, it is not \\(fetch failed\\)`);
      await expect(openModelSource(name, { out })).rejects.toThrow(asked);
    }
    vi.unstubAllGlobals();
    await expect(openModelSource('empty/x.gguf', { out: 'runs' })).rejects.toThrow('must be a file, got nothing there');
    await expect(openModelSource('nobody', { out: 'runs' })).rejects.toThrow('run: nobody must be a run or its folder');
    await expect(openModelSource('a/b/c', { out: 'runs' })).rejects.toThrow('run: a/b/c must be a run or its folder');
  });
});
