import { type CreationOptions, ShapeError, type Tensor, tensor } from '@modajs/tensor';
import { checkOptions, isDevice, shown, wholeNumber } from '@modajs/tensor/checks';

/**
 * Key ranges for documents packed in rows: `docRange[b, t] = [start, end)` of the document that holds position t.
 *
 * @param cuSeqlens one list a row: document starts, ascending from 0, and the row's length T at the end
 * @returns i32 `[B, T, 2]`
 * @throws ShapeError when a list does not ascend from 0 or rows end at different T
 */
export function documentRanges(
  cuSeqlens: readonly (readonly number[])[],
  options: Omit<CreationOptions, 'dtype'> = {},
): Tensor {
  checkOptions('documentRanges', options, { device: isDevice });
  if (!Array.isArray(cuSeqlens) || cuSeqlens.length === 0 || !cuSeqlens.every((starts) => Array.isArray(starts))) {
    throw new ShapeError(
      `documentRanges: cuSeqlens must be one list of starts a row, got ${shown(cuSeqlens)}. Give [[0, ..., T], ...].`,
    );
  }
  for (const [row, starts] of cuSeqlens.entries()) {
    for (let i = 0; i < starts.length; i++)
      wholeNumber('documentRanges', `cuSeqlens[${row}][${i}]`, starts[i], 0, 2 ** 31 - 1);
  }
  const T = cuSeqlens[0]?.at(-1) ?? 0;
  const ranges = new Int32Array(cuSeqlens.length * T * 2);
  cuSeqlens.forEach((starts, b) => {
    const ascends = starts.every((start, i) => (i === 0 ? start === 0 : start > starts[i - 1]));
    if (!ascends || starts.length < 2 || starts.at(-1) !== T) {
      throw new ShapeError(
        `documentRanges: cuSeqlens must ascend from 0 to T=${T}, got [${starts}] for row ${b}. Give [0, length of document 1, ..., T].`,
        { row: b, starts, T },
      );
    }
    for (let document = 0; document + 1 < starts.length; document++) {
      for (let t = starts[document]; t < starts[document + 1]; t++) {
        ranges.set([starts[document], starts[document + 1]], (b * T + t) * 2);
      }
    }
  });
  return tensor(ranges, { shape: [cuSeqlens.length, T, 2], dtype: 'i32', ...options });
}
