import { blobSource } from '../series/byte-source.ts';
import { readSeries } from '../series/read-series.ts';
import { parseJson, parseSamples, type RunSource } from './run-source.ts';

/** A file with its path in what was dropped. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

/** A run among dropped files. */
export interface DroppedRun {
  readonly name: string;
  readonly source: RunSource;
  readonly bytes: number;
}

/** Runs among files: each `*.jsonl` with what lies beside it. A run is named for its folder, else for its file. */
export function droppedRuns(files: readonly DroppedFile[]): DroppedRun[] {
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

/** Every file of a drop, those in folders too. */
export async function filesOfDrop(transfer: DataTransfer): Promise<DroppedFile[]> {
  // Entries must be taken before the first wait: the browser empties the drop after its event.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return filesOfInput(transfer.files);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

/** Files of an `<input>`, with their paths when a folder was chosen. */
export function filesOfInput(files: Iterable<File>): DroppedFile[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function filesBelow(entry: FileSystemEntry): Promise<DroppedFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: DroppedFile[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesBelow))).flat());
  }
}
