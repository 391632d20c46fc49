import { type HubFiles, type HubOptions, type HubRepository, openHubFiles } from '@modajs/models';
import { DataError } from '../errors/errors.ts';
import type { Row } from '../tasks/task.ts';
import { readRows } from './read-rows.ts';
import type { RowSource } from './row-source.ts';

/** How {@link hubRows} reaches the hub. */
export interface HubRowsOptions extends HubOptions {
  /**
   * Opens a dataset's files; `openHubCache` of `@modajs/models/node` keeps them on disk, in the cache that other tools share.
   * Without it every run downloads again.
   */
  readonly open?: (repository: HubRepository) => Pick<HubFiles, 'list' | 'read'>;
}

/** The branch on which the hub keeps every public dataset as Parquet. */
const PARQUET = 'refs/convert/parquet';

/**
 * Rows of a Hugging Face dataset by repository name, from the Parquet files that the hub makes of every public dataset: all
 * of one commit, each compared with the hub's hash.
 *
 * @throws DataError (from `rows`) when the hub cannot be reached or does not know the split.
 */
export function hubRows({ open, ...options }: HubRowsOptions = {}): RowSource {
  return {
    async rows({ repository, config = 'default', split }) {
      const folder = `${config}/${split}`;
      try {
        const dataset: HubRepository = { type: 'dataset', name: repository, revision: PARQUET };
        const files = open ? open(dataset) : openHubFiles(dataset, options);
        const paths = (await files.list(folder)).filter((path) => path.endsWith('.parquet'));
        if (paths.length === 0) throw missing(repository, `Parquet files of ${folder}`);
        const rows: Row[] = [];
        for (const path of paths) {
          const bytes = await files.read(path);
          if (bytes === null) throw missing(repository, path);
          for (const row of await readRows(bytes, path)) rows.push(row);
        }
        return rows;
      } catch (cause) {
        if (cause instanceof DataError) throw cause;
        const cure = 'Check the name and the network, or download the split and pass its folder.';
        const message = `dataset ${repository}: ${(cause as Error).message} ${cure}`;
        throw new DataError(message, { path: folder }, { cause });
      }
    },
  };
}

function missing(repository: string, what: string): DataError {
  return new DataError(
    `dataset ${repository}: the hub must have ${what}, got none. Check the configuration and the split.`,
    {
      path: what,
    },
  );
}
