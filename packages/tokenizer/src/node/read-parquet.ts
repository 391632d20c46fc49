import type { parquetReadObjects } from 'hyparquet';
import { DataError, shown } from '../errors.ts';
import type { ReadOptions } from './document-part.ts';
import type { InputFile } from './input-files.ts';
import { textOfInvalid } from './read-text.ts';
import { decodeValid, validPrefix } from './utf8-policy.ts';

/**
 * The documents of a Parquet file, read one row group at a time. Rows whose text is null are left out.
 *
 * @yields the text and the row's index, from 0
 * @throws {DataError} a file that is not Parquet, a missing column, text that is not UTF-8 when `onInvalid` is `fail`
 */
export async function* readParquet(
  file: InputFile,
  options: ReadOptions,
  from = 0,
): AsyncGenerator<{ text: string; document: number }> {
  // Loaded when the first Parquet file is read: every start of a program would pay for parsing it.
  const { asyncBufferFromFile, parquetMetadataAsync } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const column = options.textField ?? 'text';
  const buffer = await asyncBufferFromFile(file.path);
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw new DataError(
      'read',
      file.path,
      `must be a whole Parquet file, got an error: ${cause instanceof Error ? cause.message : cause}. Was the file cut short?`,
      { cause },
    );
  });
  const columns = metadata.schema.slice(1).map(({ name }) => name);
  if (!columns.includes(column))
    throw new DataError(
      'read',
      file.path,
      `must have the column ${shown(column)}, got ${columns.join(', ')}. Name the column.`,
    );
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    if (rowEnd > from) {
      const rows = await readRows(
        {
          file: buffer,
          metadata,
          columns: [column],
          compressors,
          rowStart,
          rowEnd,
          parsers: { stringFromBytes: asIs },
        },
        file.path,
      );
      for (const [index, row] of rows.entries()) {
        const document = rowStart + index;
        if (document < from) continue;
        const text = asText(row[column], document, file, options);
        if (text !== undefined) yield { text, document };
      }
    }
    options.onRead?.(Number(group.total_byte_size) > 0 ? Math.round(file.sizeBytes / metadata.row_groups.length) : 0);
    rowStart = rowEnd;
  }
}

/** Strings stay bytes, so that we see whether they are UTF-8. */
const asIs = (bytes: Uint8Array | undefined) => bytes as unknown as string;

async function readRows(
  options: Parameters<typeof parquetReadObjects>[0],
  path: string,
): Promise<Record<string, unknown>[]> {
  const { parquetReadObjects } = await import('hyparquet');
  try {
    return await parquetReadObjects(options);
  } catch (cause) {
    throw new DataError(
      'read',
      path,
      `must hold readable Parquet pages, got an error: ${cause instanceof Error ? cause.message : cause}.`,
      { place: `rows from ${options.rowStart}`, cause },
    );
  }
}

function asText(value: unknown, document: number, file: InputFile, options: ReadOptions): string | undefined {
  if (value === null || value === undefined) return undefined;
  const place = `row ${document + 1}`;
  if (typeof value === 'string') return value;
  if (!(value instanceof Uint8Array))
    throw new DataError('read', file.path, `must have text in the column, got ${shown(value)}.`, { place });
  const valid = validPrefix(value);
  if (valid === value.length) return decodeValid(value);
  return textOfInvalid(file.path, `${place}, byte ${valid}`, value, options);
}
