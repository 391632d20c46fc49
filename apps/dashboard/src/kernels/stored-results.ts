import { type BenchResult, readBenchResults } from '@modajs/bench';

/** The repository's own results of kernels, as they were when the page was built; each loads when the page opens. */
const FILES = import.meta.glob<unknown>(
  '../../../../benchmarks/{ablation,attention,bench,cpu,matmul-h100,moda}*.json',
  {
    import: 'default',
  },
);

/** A result with the name of its file. */
export interface NamedResult {
  readonly file: string;
  readonly result: BenchResult;
}

/** The results in a file. @throws DataError */
export function namedResults(file: string, json: unknown): NamedResult[] {
  return readBenchResults(json).map((result) => ({ file, result }));
}

/** Every stored result. */
export async function storedResults(): Promise<NamedResult[]> {
  const found = await Promise.all(
    Object.entries(FILES).map(async ([path, load]) => namedResults(path.split('/').at(-1)!, await load())),
  );
  return found.flat();
}
