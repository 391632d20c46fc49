import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rawRequest } from './raw-request.ts';
import { metricsText, servedFolder, writeRun } from './served-folder.ts';

let served: Awaited<ReturnType<typeof servedFolder>>;
beforeAll(async () => {
  served = await servedFolder();
});
afterAll(() => served.close());
beforeEach(() => {
  rmSync(served.runs, { recursive: true, force: true });
  mkdirSync(served.runs);
});

const get = (path: string, headers = {}) => rawRequest(served.url, path, headers);
const json = async (path: string) => JSON.parse((await get(path)).body);
const curves = async (query: string) =>
  (await get(`/api/series?${query}`)).body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const metricsOf = (run: string): string => join(served.runs, run, 'metrics.jsonl');

describe('moda dashboard > runs', () => {
  it('lists runs, those of a study too, and no folder that is none', async () => {
    expect(await json('/api/runs')).toEqual({ runs: [] });
    writeRun(served.runs, 'tiny', 3);
    writeRun(served.runs, 'study/moda-1', 3);
    mkdirSync(join(served.runs, 'empty'));
    const { runs } = await json('/api/runs');
    expect(runs).toMatchObject([
      { run: 'study/moda-1', bytes: expect.any(Number), generation: expect.any(String) },
      { run: 'tiny', bytes: metricsText(1, 3).length },
    ]);
    rmSync(served.runs, { recursive: true });
    expect(await json('/api/runs')).toEqual({ runs: [] });
  });

  it('gives curves a line a run; a missing one does not stop the others', async () => {
    writeRun(served.runs, 'a', 100);
    writeRun(served.runs, 'b', 10);
    const [a, gone, b] = await curves('run=a&run=gone&run=b&points=1000');
    expect(a).toMatchObject({ run: 'a', rows: 100, badLines: 0, detail: 'exact' });
    expect(a.fields.loss.mean.slice(0, 3)).toEqual([5, 2.5, 1.666667]);
    expect(gone).toEqual({ run: 'gone', error: expect.stringContaining('gone') });
    expect(b.step).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect((await curves('run=a&from=20&to=29'))[0].step).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect((await get('/api/series?run=a&points=-1')).status).toBe(400);
  });

  it('gives new curves when the file has changed, the kept ones when not', async () => {
    writeRun(served.runs, 'a', 5);
    const first = await curves('run=a');
    expect(await curves('run=a')).toEqual(first);
    appendFileSync(metricsOf('a'), metricsText(6, 7));
    expect((await curves('run=a'))[0].rows).toBe(7);
  });

  it('gives the rows after an offset, keeps a half-written one for later', async () => {
    writeRun(served.runs, 'a', 5);
    const [{ end, generation }] = await curves('run=a');
    const tail = (offset: number) => json(`/api/rows?run=a&offset=${offset}&generation=${generation}`);
    expect(await tail(end)).toEqual({ generation, reset: false, end, badLines: 0, rows: [] });
    appendFileSync(metricsOf('a'), `${metricsText(6, 6)}not a row\n{"step":7,"lo`);
    const more = await tail(end);
    expect(more).toMatchObject({ reset: false, badLines: 1, rows: [{ step: 6 }] });
    appendFileSync(metricsOf('a'), 'ss":2}\n');
    expect(await tail(more.end)).toMatchObject({ badLines: 0, rows: [{ step: 7, loss: 2 }] });
  });

  it('asks to begin again when the file was replaced or cut', async () => {
    writeRun(served.runs, 'a', 5);
    const [{ end, generation }] = await curves('run=a');
    writeFileSync(`${metricsOf('a')}.new`, metricsText(1, 9));
    renameSync(`${metricsOf('a')}.new`, metricsOf('a'));
    expect(await json(`/api/rows?run=a&offset=${end}&generation=${generation}`)).toMatchObject({
      reset: true,
      rows: [],
    });
    const [again] = await curves('run=a');
    writeFileSync(metricsOf('a'), metricsText(1, 2));
    expect(await json(`/api/rows?run=a&offset=${again.end}&generation=${again.generation}`)).toMatchObject({
      reset: true,
    });
  });

  it('survives damaged metrics, an empty file, a folder in its place and a deleted run', async () => {
    for (const run of ['damaged', 'empty', 'folder', 'deleted']) writeRun(served.runs, run, 3);
    writeFileSync(
      metricsOf('damaged'),
      Buffer.from([0xff, 0xfe, 10, 0x7b, 10, ...Buffer.from('{"step":"x"}\nnull\n{"step":1,"loss":2}\n')]),
    );
    writeFileSync(metricsOf('empty'), '');
    rmSync(metricsOf('folder'));
    mkdirSync(metricsOf('folder'));
    rmSync(join(served.runs, 'deleted'), { recursive: true });
    const [damaged, empty, folder, deleted] = await curves('run=damaged&run=empty&run=folder&run=deleted');
    expect(damaged).toMatchObject({ rows: 1, badLines: 4, fields: { loss: { mean: [2] } } });
    expect(empty).toMatchObject({ rows: 0, step: [] });
    expect([folder.error, deleted.error]).toEqual([expect.any(String), expect.any(String)]);
    expect((await json('/api/runs')).runs).toHaveLength(3);
  });

  it('sends byte ranges of files', async () => {
    writeRun(served.runs, 'a', 5);
    const whole = metricsText(1, 5);
    const range = (Range: string) => get('/api/files/a/metrics.jsonl', { Range });
    expect(await range('bytes=10-19')).toMatchObject({ status: 206, body: whole.slice(10, 20) });
    expect((await range('bytes=10-19')).headers['content-range']).toBe(`bytes 10-19/${whole.length}`);
    expect(await range('bytes=100-')).toMatchObject({ status: 206, body: whole.slice(100) });
    expect(await range('bytes=-7')).toMatchObject({ status: 206, body: whole.slice(-7) });
    expect(await range(`bytes=${whole.length}-`)).toMatchObject({ status: 416 });
    expect(await range('bytes=5-2')).toMatchObject({ status: 416 });
    expect(await range('lines=1-2')).toMatchObject({ status: 200, body: whole });
  });

  it('finds files of evaluation results and no other JSON', async () => {
    writeRun(served.runs, 'a', 5);
    const results = { results: { piqa: { 'acc,none': 0.6 } } };
    writeFileSync(join(served.runs, 'a/results.json'), JSON.stringify(results));
    writeFileSync(join(served.runs, 'loose.json'), JSON.stringify(results));
    writeFileSync(join(served.runs, 'a/half.json'), '{"results":{');
    writeFileSync(join(served.runs, 'a/other.json'), '{"results":[]}');
    const { files } = await json('/api/evaluations');
    expect(files.map(({ path }: { path: string }) => path).sort()).toEqual(['a/results.json', 'loose.json']);
  });
});
