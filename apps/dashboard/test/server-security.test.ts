import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEntry } from '../src/server/run-list.ts';
import { rawRequest } from './raw-request.ts';
import { servedFolder, writeRun } from './served-folder.ts';

let served: Awaited<ReturnType<typeof servedFolder>>;
beforeAll(async () => {
  served = await servedFolder();
  writeRun(served.runs, 'tiny', 5);
});
afterAll(() => served.close());

const get = (path: string, headers = {}, method = 'GET') => rawRequest(served.url, path, headers, method);

describe('moda dashboard > paths', () => {
  it('reads a file of a run', async () => {
    const { status, body } = await get('/api/files/tiny/config.json');
    expect([status, JSON.parse(body).run.name]).toEqual([200, 'tiny']);
  });

  it.each([
    ['/api/files/../secret.json'],
    ['/api/files/tiny/../../secret.json'],
    ['/api/files/%2e%2e/secret.json'],
    ['/api/files/tiny/%2E%2E/%2e%2e/secret.json'],
    ['/api/files/..%2fsecret.json'],
    ['/api/files/%2e%2e%2fsecret.json'],
    ['/api/files/%252e%252e/secret.json'],
    ['/api/files/..%252fsecret.json'],
    ['/api/files/..%5csecret.json'],
    ['/api/files/..\\secret.json'],
    ['/api/files/%c0%ae%c0%ae/secret.json'],
    ['/api/files/tiny/config.json%00.txt'],
    ['/api/files/%00'],
    ['/api/files//etc/passwd'],
    ['/api/files/%2fetc%2fpasswd'],
    ['/api/files/tiny//config.json'],
    ['/api/files/./tiny/config.json'],
    ['/api/files/%zz'],
    ['/api/files/'],
    ['/api/files/tiny'],
    ['/api/files/tiny/.hidden'],
    ['/../secret.json'],
    ['/%2e%2e/secret.json'],
    ['/assets/..%2f..%2fsecret.json'],
    ['/assets/%2e%2e/%2e%2e/secret.json'],
    ['/%zz'],
    ['http://other.example/secret.json'],
  ])('refuses %s', async (path) => {
    writeFileSync(join(served.runs, 'tiny/.hidden'), 'secret outside');
    const { status, body } = await get(path);
    expect([400, 404]).toContain(status);
    expect(body).not.toMatch(/outside|root:|nLayers/);
    expect(body).not.toContain(served.folder);
  });

  it.each(['run=../', 'run=%2e%2e', 'run=tiny/../..', 'run=/etc', 'run=tiny%00', 'run='])(
    'refuses rows and curves of %s',
    async (query) => {
      expect([400, 404]).toContain((await get(`/api/rows?${query}&offset=0`)).status);
      expect((await get(`/api/series?${query}`)).body).toMatch(/^$|"error"/);
      expect([400, 404]).toContain((await get(`/api/list?path=${query.slice(4) || '..'}`)).status);
    },
  );

  it('follows no link out of the runs folder: file, folder, metrics, chain', async () => {
    const { runs, folder } = served;
    mkdirSync(join(folder, 'outside'));
    writeFileSync(join(folder, 'outside/metrics.jsonl'), '{"step":1,"loss":1}\n');
    symlinkSync(join(folder, 'secret.json'), join(runs, 'tiny/link.json'));
    symlinkSync('../../secret.json', join(runs, 'tiny/relative.json'));
    symlinkSync(join(folder, 'outside'), join(runs, 'linked'));
    symlinkSync('linked', join(runs, 'chain'));
    for (const path of ['tiny/link.json', 'tiny/relative.json', 'linked/metrics.jsonl', 'chain/metrics.jsonl']) {
      const { status, body } = await get(`/api/files/${path}`);
      expect([path, status]).toEqual([path, 404]);
      expect(body).not.toContain('outside"');
    }
    expect((await get('/api/rows?run=linked&offset=0')).status).toBe(404);
    expect((await get('/api/series?run=chain')).body).toContain('"error"');
    expect(JSON.parse((await get('/api/runs')).body).runs.map(({ run }: { run: string }) => run)).toEqual(['tiny']);
    expect((await get('/api/list?path=linked')).status).toBe(404);
    expect(
      JSON.parse((await get('/api/list?path=tiny')).body).entries.map(({ name }: { name: string }) => name),
    ).toEqual(['config.json', 'metrics.jsonl']);
    for (const name of ['linked', 'chain']) rmSync(join(runs, name));
  });

  it('tells neither size nor time of a metrics file that is a link out of the folder', async () => {
    const { runs, folder } = served;
    const outside = join(folder, 'outside.jsonl');
    writeFileSync(outside, '{"step":1,"loss":1}\n');
    utimesSync(outside, 1e9, 1e9);
    for (const [run, target] of Object.entries({
      outward: outside,
      folderward: folder,
      inward: '../tiny/metrics.jsonl',
    })) {
      mkdirSync(join(runs, run));
      writeFileSync(join(runs, run, 'config.json'), '{}');
      symlinkSync(target, join(runs, run, 'metrics.jsonl'));
    }
    const listed = JSON.parse((await get('/api/runs')).body).runs as RunEntry[];
    const entry = (name: string): RunEntry => listed.find(({ run }) => run === name)!;
    for (const name of ['outward', 'folderward']) {
      expect(entry(name)).toMatchObject({ bytes: null, generation: '' });
      expect(entry(name).modifiedAt).not.toBe(1e12);
    }
    expect(entry('inward')).toMatchObject({ bytes: entry('tiny').bytes, generation: entry('tiny').generation });
    for (const name of ['outward', 'folderward', 'inward']) rmSync(join(runs, name), { recursive: true });
  });

  it('is not fooled by a folder whose name begins like the runs folder', async () => {
    mkdirSync(`${served.runs}-private`);
    writeFileSync(`${served.runs}-private/x.json`, '{"secret":"outside"}');
    symlinkSync(`${served.runs}-private`, join(served.runs, 'private'));
    expect((await get('/api/files/private/x.json')).status).toBe(404);
  });

  it('does not hang at a pipe, and serves a hard link as the file it is', async () => {
    execFileSync('mkfifo', [join(served.runs, 'tiny/pipe.json')]);
    expect((await get('/api/files/tiny/pipe.json')).status).toBe(404);
    linkSync(join(served.runs, 'tiny/config.json'), join(served.runs, 'tiny/same.json'));
    expect((await get('/api/files/tiny/same.json')).status).toBe(200);
  });
});

describe('moda dashboard > who may ask', () => {
  const port = () => new URL(served.url).port;

  it('refuses names that are not this machine: DNS rebinding', async () => {
    const others = ['evil.example', `evil.example:${port()}`, '192.168.1.5', '127.0.0.1.evil.example', '0.0.0.0'];
    for (const host of [...others, 'localhost.evil.example', '127.0.0.1@evil.example'])
      for (const path of ['/', '/api/runs', '/api/events'])
        expect([host, (await get(path, { Host: host })).status]).toEqual([host, 421]);
    for (const host of ['', 'a b']) expect((await get('/api/runs', { Host: host })).status).not.toBe(200);
  });

  it('answers to each loopback name', async () => {
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '[::1]', '127.1.2.3'])
      expect([host, (await get('/api/runs', { Host: `${host}:${port()}` })).status]).toEqual([host, 200]);
  });

  it('refuses other origins and other sites', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      `http://localhost:${port()}`,
      'http://127.0.0.1',
      `https://127.0.0.1:${port()}`,
    ])
      expect([origin, (await get('/api/runs', { Origin: origin })).status]).toEqual([origin, 403]);
    for (const site of ['cross-site', 'same-site'])
      expect((await get('/api/files/tiny/config.json', { 'Sec-Fetch-Site': site })).status).toBe(403);
    expect((await get('/api/runs', { Origin: served.url.slice(0, -1), 'Sec-Fetch-Site': 'same-origin' })).status).toBe(
      200,
    );
    expect((await get('/api/runs', { 'Sec-Fetch-Site': 'none' })).status).toBe(200);
  });

  it('lets a link elsewhere open the page, and nothing but the page', async () => {
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
    expect((await get('/', link)).status).toBe(200);
    expect((await get('/', { ...link, 'Sec-Fetch-Dest': 'iframe' })).status).toBe(403);
    expect((await get('/api/runs', link)).status).toBe(403);
    expect((await get('/api/files/tiny/config.json', link)).status).toBe(403);
  });

  it('reads only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect([method, (await get('/api/runs', {}, method)).status]).toEqual([method, 405]);
  });

  it('listens on loopback, and elsewhere only when asked', async () => {
    expect(new URL(served.url).hostname).toBe('127.0.0.1');
    const open = await servedFolder({ host: '0.0.0.0', allowedHosts: ['lab.example'] });
    const url = open.url.replace('0.0.0.0', '127.0.0.1');
    try {
      for (const [host, status] of [
        ['192.168.1.5:80', 200],
        ['lab.example', 200],
        ['evil.example', 421],
        ['localhost', 200],
      ] as const)
        expect([host, (await rawRequest(url, '/api/runs', { Host: host })).status]).toEqual([host, status]);
    } finally {
      await open.close();
    }
  });
});

describe('moda dashboard > headers', () => {
  it('sends a strict policy, isolation and nosniff with every answer, errors too', async () => {
    for (const path of [
      '/',
      '/assets/app.js',
      '/api/runs',
      '/api/nothing',
      '/nothing',
      '/api/files/tiny/config.json',
    ]) {
      const { headers } = await get(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*|http:/);
      expect(headers).toMatchObject({
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('shows a report as a document that cannot run scripts', async () => {
    writeFileSync(join(served.runs, 'tiny/report.html'), '<script>alert(1)</script>');
    const { headers } = await get('/api/files/tiny/report.html');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'.*sandbox$/);
    expect(headers['content-security-policy']).not.toContain('script-src');
  });

  it('takes the runtime that is not published from where its package is installed, and nothing else', async () => {
    const runtime = new URL('../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm', import.meta.url);
    const { status, headers } = await get('/assets/ort-wasm-simd-threaded-D5D0fo7z.wasm', {}, 'HEAD');
    expect([status, headers['content-length']]).toEqual([200, String(statSync(runtime).size)]);
    expect(headers['content-type']).toBe('application/wasm');
    for (const name of ['nothing', '.', '..', '..%2f..%2fpackage', 'wasm%2f..%2f..%2findex']) {
      expect((await get(`/assets/ort-${name}-D5D0fo7z.wasm`)).status).toBe(404);
    }
  });

  it('marks the page as served', async () => {
    for (const path of ['/', '/index.html', '/?x=1'])
      expect((await get(path)).body).toContain('<meta name="moda-server"');
  });
});
