import { isFloat } from './dtype.ts';
import { formatValues } from './format-values.ts';
import { formatShape } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** What a tensor is, without its values: `Tensor(f32, [2, 3], cpu)`. */
export function tensorTitle(tensor: Tensor): string {
  const { shape } = tensor;
  if (tensor.isDisposed) return `Tensor(disposed, ${formatShape(shape)})`;
  const parts = [
    tensor.dtype,
    formatShape(shape),
    tensor.device.kind,
    ...(tensor.requiresGrad ? ['requiresGrad'] : []),
  ];
  return `Tensor(${parts.join(', ')})`;
}

/** Title and values where they are in the host's memory; else how to get them. */
export function inspectedTensor(tensor: Tensor): string {
  const title = tensorTitle(tensor);
  if (tensor.isDisposed) return title;
  const values = valuesAtHand(tensor);
  return values === null ? `${title} values: await tensor.print()` : `${title}\n${values}`;
}

/** Values as `formatValues` writes them, read one by one, so that a large tensor costs no copy; null on a GPU. */
function valuesAtHand({
  device: { backend },
  view: { storage, strides, offset },
  shape,
  dtype,
}: Tensor): string | null {
  if (backend.hostValues(storage, 0, 0) === null) return null;
  const at = (index: readonly number[]): number => {
    const place = index.reduce((sum, i, axis) => sum + i * strides[axis], offset);
    return backend.hostValues(storage, place, 1)![0];
  };
  return formatValues(shape, at, isFloat(dtype));
}

/** What Chromium and Firefox ask of a custom formatter: https://firefox-source-docs.mozilla.org/devtools-user/custom_formatters */
interface DevtoolsFormatter {
  header(value: unknown): unknown[] | null;
  hasBody(value: unknown): boolean;
  body(value: unknown): unknown[] | null;
}

/**
 * Makes a browser's console show tensors as `console.log` shows them in Node: dtype, shape, device, and the values where they are in the
 * host's memory. Chromium and Firefox ask for it once in the settings of their developer tools ("Custom formatters").
 */
export function showTensorsInDevtools(): void {
  const { devtoolsFormatters = [] } = globalThis as { devtoolsFormatters?: DevtoolsFormatter[] };
  const isTensor = (value: unknown): value is Tensor =>
    typeof value === 'object' && value !== null && 'isTensor' in value;
  devtoolsFormatters.push({
    header: (value) => (isTensor(value) ? ['span', {}, tensorTitle(value)] : null),
    hasBody: (value) => isTensor(value) && !value.isDisposed,
    body: (value) => (isTensor(value) ? ['pre', {}, inspectedTensor(value)] : null),
  });
  Object.assign(globalThis, { devtoolsFormatters });
}
