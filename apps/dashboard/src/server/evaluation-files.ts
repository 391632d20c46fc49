import { LRUMap } from './lru-map.ts';
import type { RunsFolder } from './runs-folder.ts';

/** A file of evaluation results below the runs folder. */
export interface EvaluationFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

const MAX_DEPTH = 4;
const MAX_BYTES = 64 << 20;
/** Files of a run that are no results, not worth a look. */
const OTHER = new Set(['config.json', 'tokenizer.json', 'samples.json', 'report.json']);

/** Every JSON file below the folder with lm-evaluation-harness's `results`, the `domains` of `moda eval perplexity`, or a study. Looks are kept by size and time. */
export class EvaluationFiles {
  private readonly looks = new LRUMap<string, boolean>(4096);

  constructor(private readonly folder: RunsFolder) {}

  async list(): Promise<EvaluationFile[]> {
    const found = await this.below('', MAX_DEPTH);
    return found.sort((a, b) => b.modifiedAt - a.modifiedAt);
  }

  private async below(path: string, depth: number): Promise<EvaluationFile[]> {
    const entries = await this.folder.list(path).catch(() => []);
    const found: EvaluationFile[] = [];
    for (const { name, isFolder } of entries) {
      const at = path === '' ? name : `${path}/${name}`;
      if (isFolder && depth > 0 && name !== 'checkpoints') found.push(...(await this.below(at, depth - 1)));
      if (isFolder || !name.endsWith('.json') || OTHER.has(name)) continue;
      const file = await this.look(at).catch(() => null);
      if (file !== null) found.push(file);
    }
    return found;
  }

  private async look(path: string): Promise<EvaluationFile | null> {
    const { handle, stats } = await this.folder.open(path);
    try {
      const key = `${path} ${stats.size} ${stats.mtimeMs}`;
      const known = this.looks.get(key);
      const isResults = known ?? (stats.size <= MAX_BYTES && hasResults(await handle.readFile('utf8')));
      this.looks.set(key, isResults);
      return isResults ? { path, bytes: stats.size, modifiedAt: stats.mtimeMs } : null;
    } finally {
      await handle.close();
    }
  }
}

function hasResults(text: string): boolean {
  try {
    const { results, domains, format } = JSON.parse(text) as { results?: unknown; domains?: unknown; format?: unknown };
    if (format === 'moda-study') return true;
    return (typeof results === 'object' && results !== null && !Array.isArray(results)) || Array.isArray(domains);
  } catch {
    return false;
  }
}
