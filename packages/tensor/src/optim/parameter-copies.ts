import { isRecording } from '../core/autograd.ts';
import type { DType } from '../core/dtype.ts';
import { memoryOrder, mergeRuns, packedZeros } from '../core/packed.ts';
import { withoutScope } from '../core/scope.ts';
import type { Tensor } from '../core/tensor.ts';
import type { NamedTensors } from './adamw.ts';

/**
 * Copies of parameters in another dtype (f16 operands of f32 master weights), kept and refreshed all at once. Gradients
 * of a copy go to its parameter.
 */
export class ParameterCopies implements Disposable {
  readonly #params: NamedTensors;
  readonly #copies: ReadonlyMap<string, Tensor>;

  /** @param params one or more, on one device. Contents are undefined before the first `refresh` */
  constructor(params: NamedTensors, dtype: DType) {
    this.#params = params;
    const entries = Object.entries(params);
    const ordered = memoryOrder(entries.map(([, tensor]) => tensor.view)).map((i) => entries[i]);
    const shapes = ordered.map(([, { shape }]) => shape);
    const copies = withoutScope(() => packedZeros(entries[0][1].device, shapes, dtype));
    this.#copies = new Map(ordered.map(([name], i) => [name, copies[i]]));
  }

  /** Copies the parameters' present values: a kernel or two when they are packed. */
  refresh(): void {
    const names = [...this.#copies.keys()];
    const { lists } = mergeRuns(
      [names.map((name) => this.#params[name].view), names.map((name) => this.#copies.get(name)!.view)],
      names.map(() => null),
    );
    const { backend } = this.#params[names[0]].device;
    lists[0].forEach((from, i) => void backend.copy(from, lists[1][i]));
  }

  /** The copy of that parameter, in the innermost scope. Its contents change with the next `refresh`. */
  get(name: string): Tensor {
    const copy = this.#copies.get(name)!.alias();
    const { node, outputIndex } = this.#params[name];
    if (isRecording() && node !== null) {
      copy.node = node.retain();
      copy.outputIndex = outputIndex;
    }
    return copy;
  }

  dispose(): void {
    for (const copy of this.#copies.values()) copy.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
