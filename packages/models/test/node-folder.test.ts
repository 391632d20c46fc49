import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { downloadModel, openModelFolder, saveModelFolder } from '../src/node/index.ts';
import { type FakeHub, startFakeHub } from './fake-hub.ts';

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);

describe('model folders', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'moda-model-'));
    return () => rmSync(folder, { recursive: true });
  });

  it('come back as they were saved, and a failed save harms nothing', async () => {
    const path = join(folder, 'a', 'b');
    await saveModelFolder(path, new Map([['x.bin', bytes]]));
    const opened = await openModelFolder(path);
    expect(Uint8Array.from((await opened.read('x.bin'))!)).toEqual(bytes);
    expect(await opened.read('y.bin')).toBeNull();
    await expect(saveModelFolder(path, new Map([['../none/x', bytes]]))).rejects.toThrow();
    expect(readdirSync(path)).toEqual(['x.bin']);
    await expect(openModelFolder(join(folder, 'none'))).rejects.toThrow('the folder must exist');
  });

  it('names with a path never leave the folder, whoever asks', async () => {
    const opened = await openModelFolder(folder);
    for (const name of ['../x', 'a/b', '/etc/hostname', '..', '.', '.hidden', 'a\\b', 'C:x', 'a\0b', ''])
      for (const attempt of [opened.read(name), saveModelFolder(folder, new Map([[name, bytes]]))])
        await expect(attempt).rejects.toThrow('must be named without a path');
    expect(readdirSync(folder)).toEqual([]);
  });

  describe('downloads', () => {
    let hub: FakeHub;
    beforeEach(async () => {
      hub = await startFakeHub({ 'model.safetensors': bytes, 'config.json': new TextEncoder().encode('{}') });
      return () => hub.close();
    });
    const open = (more = {}) => downloadModel('owner/name', { endpoint: hub.endpoint, cache: folder, ...more });
    const root = () => join(folder, 'models--owner--name');

    it('come from one commit, lie where other tools look, and are asked for once', async () => {
      const model = open();
      expect(Uint8Array.from((await model.read('model.safetensors'))!)).toEqual(bytes);
      const first = hub.sha;
      hub.sha = 'b'.repeat(40);
      expect((await model.read('config.json'))?.toString()).toBe('{}');
      expect(readdirSync(join(root(), 'snapshots'))).toEqual([first]);
      expect(readdirSync(join(root(), 'snapshots', first)).sort()).toEqual(['config.json', 'model.safetensors']);
      expect(readFileSync(join(root(), 'refs/main'), 'utf8')).toBe(first);
      const blob = createHash('sha256').update(bytes).digest('hex');
      expect(readlinkSync(join(root(), 'snapshots', first, 'model.safetensors'))).toBe(`../../blobs/${blob}`);
      const asked = hub.asked.length;
      await model.read('model.safetensors');
      expect(hub.asked.length).toBe(asked);
    });

    it('go on where they broke off', async () => {
      hub.breakAfter = 1200;
      await expect(open().read('model.safetensors')).rejects.toThrow('broke off');
      const [partial] = readdirSync(join(root(), 'blobs'));
      expect(partial).toMatch(/\.incomplete$/);
      const kept = readFileSync(join(root(), 'blobs', partial)).length;
      hub.breakAfter = null;
      expect(Uint8Array.from((await open().read('model.safetensors'))!)).toEqual(bytes);
      const range = kept === 0 ? /resolve\/a+\/model.safetensors$/ : new RegExp(`bytes=${kept}-`);
      expect(hub.asked.at(-1)).toMatch(range);
      expect(readdirSync(join(root(), 'blobs'))).toEqual([partial.replace('.incomplete', '')]);
    });

    it('with other bytes than the hub\u2019s hash says are thrown away', async () => {
      hub.isCorrupt = true;
      for (const name of ['model.safetensors', 'config.json'])
        await expect(open().read(name)).rejects.toThrow(`${name} must have the hash`);
      expect(readdirSync(join(root(), 'blobs'))).toEqual([]);
      hub.isCorrupt = false;
      expect((await open().read('config.json'))?.toString()).toBe('{}');
    });

    it('serve without a network what was kept', async () => {
      await open().read('config.json');
      const offline = open({ endpoint: 'http://127.0.0.1:9' });
      expect((await offline.read('config.json'))?.toString()).toBe('{}');
      await expect(offline.read('model.safetensors')).rejects.toThrow('must be reachable');
    });

    it('tell a missing file from a missing repository, no network and a malformed name', async () => {
      expect(await open().read('none.json')).toBeNull();
      const none = downloadModel('none/name', { endpoint: hub.endpoint, cache: folder });
      await expect(none.read('config.json')).rejects.toThrow('got status 401');
      for (const name of ['../..', 'a', 'a/b/c', '.a/b', 'a/..', 'https://x/y'])
        expect(() => downloadModel(name, { cache: folder })).toThrow('owner/name');
      for (const revision of ['../main', '/main', 'a/../b'])
        expect(() => open({ revision })).toThrow('a revision is a branch');
      for (const name of ['../../.bashrc', '/etc/passwd', 'a/../b', 'a\\..\\b'])
        await expect(open().read(name)).rejects.toThrow('plain relative path');
      hub.sha = '../../../evil';
      await expect(open().read('config.json')).rejects.toThrow('names a commit of 40 digits');
    });

    it('send the token to the hub, and nowhere without one', async () => {
      await open({ token: 'hf_x' }).read('config.json');
      expect(hub.lastHeaders.authorization).toBe('Bearer hf_x');
    });
  });
});
