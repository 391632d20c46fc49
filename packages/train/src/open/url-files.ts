import { CheckpointError } from '@modajs/tensor';
import { checkpointFolder } from '../checkpoint/checkpoint.ts';
import { readMetrics } from '../metrics/metrics-log.ts';
import type { RunFiles } from '../storage/run-files.ts';

/** Checkpoints that are looked for, from the newest on. */
const LOOKED_FOR = 8;

/**
 * A run's folder on a server. A server lists no folders: checkpoints are looked for at the last step that the metrics have, at the
 * planned end, and where the configuration says that they are saved.
 */
export class UrlFiles implements RunFiles {
  readonly location: string;

  /** @param url of the folder */
  constructor(url: string) {
    this.location = url.replace(/\/*$/, '/');
  }

  async exists(path: string): Promise<boolean> {
    const { ok } = await this.#fetch(path, 'HEAD');
    return ok;
  }

  async read(path: string): Promise<Uint8Array> {
    const response = await this.#fetch(path, 'GET');
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    throw new CheckpointError(
      `openRun: ${this.location}${path} must be readable, got HTTP ${response.status}. Check the address of the run's folder.`,
      { path, code: response.status === 404 ? 'ENOENT' : String(response.status) },
    );
  }

  async list(folder: string): Promise<string[]> {
    if (folder !== 'checkpoints') return [];
    const config = JSON.parse(new TextDecoder().decode(await this.read('config.json')));
    const { training, checkpoint } = config?.run ?? {};
    const done = (await readMetrics(this)).at(-1)?.step ?? training?.steps ?? 0;
    const every = checkpoint?.every ?? 0;
    const steps = new Set<number>([done, training?.steps ?? done]);
    for (let step = every > 0 ? done - (done % every) : 0; step > 0 && steps.size < LOOKED_FOR; step -= every) {
      steps.add(step);
    }
    const names = [...steps].map((step) => checkpointFolder(step).slice('checkpoints/'.length));
    const found = await Promise.all(names.map((name) => this.exists(`checkpoints/${name}/state.json`)));
    return names.filter((_, i) => found[i]).sort();
  }

  #fetch(path: string, method: 'GET' | 'HEAD'): Promise<Response> {
    return fetch(this.location + path, { method }).catch((error: Error) => {
      throw new CheckpointError(
        `openRun: ${this.location}${path} must be reachable, got ${error.message}. Check the address, and that the server allows this page (CORS).`,
        { path },
        { cause: error },
      );
    });
  }
}
