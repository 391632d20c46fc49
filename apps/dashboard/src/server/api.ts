import type { IncomingMessage, ServerResponse } from 'node:http';
import { EvaluationFiles } from './evaluation-files.ts';
import { HttpError } from './http-error.ts';
import { RunCurves } from './run-curves.ts';
import { listRuns } from './run-list.ts';
import { RunWatch } from './run-watch.ts';
import type { RunsFolder } from './runs-folder.ts';
import { sendEvents } from './send-events.ts';
import { sendFile } from './send-file.ts';

const MAX_POINTS = 20_000;

/** What the page asks for below `/api/`. */
export class Api {
  private readonly curves: RunCurves;
  private readonly evaluations: EvaluationFiles;
  private readonly watch: RunWatch;

  constructor(
    private readonly folder: RunsFolder,
    pollMs: number,
  ) {
    this.curves = new RunCurves(folder);
    this.evaluations = new EvaluationFiles(folder);
    this.watch = new RunWatch(() => listRuns(folder), pollMs);
  }

  /** Answers `/api/<name>?<query>` or `/api/files/<path>`. @throws HttpError */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, query] = splitUrl(request.url ?? '');
    const [name, ...rest] = path.split('/').slice(2);
    if (name === 'files') {
      const file = decodePath(rest);
      return sendFile(request, response, file, await this.folder.open(file));
    }
    if (rest.length > 0) throw new HttpError(404, 'there is no such address');
    if (name === 'events') return sendEvents(request, response, this.watch);
    if (name === 'series') return this.sendSeries(query, response);
    sendJson(response, await this.json(name, query));
  }

  private async json(name: string, query: URLSearchParams): Promise<string> {
    switch (name) {
      case 'runs':
        return JSON.stringify({ runs: await listRuns(this.folder) });
      case 'list':
        return JSON.stringify({ entries: await this.folder.list(query.get('path') ?? '') });
      case 'evaluations':
        return JSON.stringify({ files: await this.evaluations.list() });
      case 'rows':
        return this.curves.tail(runOf(query), wholeNumber(query, 'offset') ?? 0, query.get('generation') ?? '');
      default:
        throw new HttpError(404, 'there is no such address');
    }
  }

  /** A line for each run named, as they are ready, in their order. A run that is gone is told, and the others go on. */
  private async sendSeries(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const detail = query.get('detail') === 'exact' ? 'exact' : 'sampled';
    const points = Math.min(MAX_POINTS, wholeNumber(query, 'points') ?? 500);
    const range = { from: wholeNumber(query, 'from'), to: wholeNumber(query, 'to') };
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson; charset=utf-8', 'Cache-Control': 'no-store' });
    for (const run of query.getAll('run')) {
      if (response.destroyed) return;
      const line = await this.curves
        .series(run, { points, detail, ...range })
        .catch((error: Error) => JSON.stringify({ run, error: error.message }));
      response.write(`${line}\n`);
    }
    response.end();
  }
}

function sendJson(response: ServerResponse, json: string): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(json);
}

function splitUrl(url: string): readonly [string, URLSearchParams] {
  const at = url.indexOf('?');
  return at < 0 ? [url, new URLSearchParams()] : [url.slice(0, at), new URLSearchParams(url.slice(at + 1))];
}

/** Names are decoded once and after the path was split, so that no encoding makes a `/` or `..` of anything. */
function decodePath(names: readonly string[]): string {
  try {
    const decoded = names.map(decodeURIComponent);
    if (decoded.some((name) => name.includes('/'))) throw new HttpError(400, 'a name cannot have a / in it');
    return decoded.join('/');
  } catch (error) {
    throw error instanceof HttpError ? error : new HttpError(400, 'the path is not well encoded');
  }
}

function runOf(query: URLSearchParams): string {
  const run = query.get('run');
  if (!run) throw new HttpError(400, 'run must be given');
  return run;
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, `${name} must be a whole number`);
  return Number(text);
}
