import { blobSource } from '../series/byte-source.ts';
import { readSeries } from '../series/read-series.ts';
import type { AddedFile } from '../ui/use-dropped-files.ts';
import { parseJson, parseSamples, type RunSource } from './run-source.ts';

/** A run among dropped files. */
export interface DroppedRun {
  readonly name: string;
  readonly source: RunSource;
  readonly bytes: number;
}

/** Runs among files: each `*.jsonl` with what lies beside it. A run is named for its folder, else for its file. */
export function droppedRuns(files: readonly AddedFile[]): DroppedRun[] {
  return files
    .filter(({ path }) => path.endsWith('.jsonl'))
    .map(({ path, file }) => {
      const folder = path.slice(0, path.lastIndexOf('/') + 1);
      const beside = (name: string): File | undefined => files.find((other) => other.path === folder + name)?.file;
      const json = async (name: string): Promise<unknown> => parseJson((await beside(name)?.text()) ?? '');
      const name = folder === '' ? path.replace(/\.jsonl$/, '') : folder.slice(0, -1);
      return {
        name,
        bytes: file.size,
        source: {
          series: (request) => readSeries(blobSource(file), { ...request, detail: 'exact' }),
          config: () => json('config.json'),
          samples: async () => parseSamples(await json('samples.json')),
        },
      };
    });
}
