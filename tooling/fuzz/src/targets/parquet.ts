import { readRows } from '@modajs/eval';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { checkRows } from './evaluation-files.ts';

function seed(rows: number, codec: 'SNAPPY' | 'UNCOMPRESSED'): Uint8Array {
  const column = <T>(value: (i: number) => T): T[] => Array.from({ length: rows }, (_, i) => value(i));
  return new Uint8Array(
    parquetWriteBuffer({
      codec,
      rowGroupSize: 17,
      columnData: [
        { name: 'id', data: column((i) => `row ${i}`), type: 'STRING' },
        { name: 'question', data: column((i) => `Which whale is number ${i % 7}?`), type: 'STRING' },
        { name: 'label', data: column((i) => BigInt(i % 2)), type: 'INT64' },
        { name: 'isWhite', data: column((i) => i % 3 === 0), type: 'BOOLEAN' },
        { name: 'length', data: column((i) => i / 3), type: 'DOUBLE' },
        { name: 'note', data: column((i) => (i % 4 === 0 ? null : `n${i}`)), type: 'STRING' },
      ],
    }),
  );
}

/** Parquet files of evaluation rows: pages in several encodings, nulls, several row groups. */
export const target: FuzzTarget = {
  name: 'parquet',
  seeds: async () => [seed(40, 'SNAPPY'), seed(40, 'UNCOMPRESSED'), seed(1, 'UNCOMPRESSED')],
  mutate: mutateBytes,
  run: async (bytes) => checkRows(await readRows(bytes, 'case.parquet')),
};
