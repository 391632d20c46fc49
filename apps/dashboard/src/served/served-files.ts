/** Whether `moda dashboard` serves this page, with runs beside it; any other server serves the page alone. */
export function isServed(): boolean {
  return document.querySelector('meta[name="moda-server"]') !== null;
}

/** A file of evaluation results below the served folder. */
export interface ServedEvaluation {
  readonly path: string;
  readonly modifiedAt: number;
}

/** Evaluation results of the served runs, newest first. @throws Error with what the server said */
export async function listServedEvaluations(): Promise<readonly ServedEvaluation[]> {
  return (await ask<{ files: ServedEvaluation[] }>('api/evaluations')).files;
}

/** Paths of the served runs. @throws Error */
export async function listServedRuns(): Promise<readonly string[]> {
  return (await ask<{ runs: { run: string }[] }>('api/runs')).runs.map(({ run }) => run);
}

/** Names in a served folder. @throws Error */
export async function listServedFolder(path: string): Promise<readonly string[]> {
  const { entries } = await ask<{ entries: { name: string }[] }>(`api/list?path=${encodeURIComponent(path)}`);
  return entries.map(({ name }) => name);
}

/** Address of a file of the served folder. */
export function servedFile(path: string): string {
  return `api/files/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** A served file; null when there is none of that path. @throws Error */
export async function readServedFile(path: string): Promise<Uint8Array | null> {
  const response = await fetch(servedFile(path));
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`${path}: ${await reasonOf(response)}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function ask<T>(address: string): Promise<T> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${await reasonOf(response)}`);
  return (await response.json()) as T;
}

async function reasonOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { error?: string };
  return body.error ?? `the server answered ${response.status}`;
}
