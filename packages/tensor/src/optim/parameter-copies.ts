import { isRecording } from '../core/autograd.ts';
import type { DType } from '../core/dtype.ts';
import { ConfigError } from '../core/errors.ts';
import { memoryOrder, mergeRuns, packedZeros } from '../core/packed.ts';
import { withoutScope } from '../core/scope.ts';
import { type Tensor, writesSoFar } from '../core/tensor.ts';
import { floatDTypeName, shown } from '../core/value-checks.ts';
import type { NamedTensors } from './optimizer.ts';
import { checkNamedTensors } from './optimizer-checks.ts';

/**
 * Copies of parameters in another dtype (f16 operands of f32 master weights), kept and refreshed all at once. Gradients
 * of a copy go to its parameter.
 */
export class ParameterCopies implements Disposable {
  readonly #params: NamedTensors;
  readonly #copies: ReadonlyMap<string, Tensor>;
  /** When the copies had the parameters' values: a `writesSoFar`. */
  #refreshedAt = 0;

  /**
   * @param params one or more, on one device. Contents are undefined before the first `refresh`
   * @throws ConfigError | DTypeError | DeviceError
   */
  constructor(params: NamedTensors, dtype: DType) {
    checkNamedTensors('parameterCopies', 'params', params);
    floatDTypeName('parameterCopies', 'dtype', dtype);
    this.#params = params;
    const entries = Object.entries(params);
    const ordered = memoryOrder(entries.map(([, tensor]) => tensor.view)).map((i) => entries[i]);
    const shapes = ordered.map(([, { shape }]) => shape);
    const copies = withoutScope(() => packedZeros(entries[0][1].device, shapes, dtype));
    this.#copies = new Map(ordered.map(([name], i) => [name, copies[i]]));
  }

  /** Copies the parameters' present values: a kernel or two when they are packed. Copies of parameters that nobody wrote to stay good for graphs. */
  refresh(): void {
    const names = [...this.#copies.keys()];
    for (const [name, copy] of this.#copies)
      if (this.#params[name].storage.writtenAt > this.#refreshedAt) copy.markOverwritten();
    this.#refreshedAt = writesSoFar();
    const { lists } = mergeRuns(
      [names.map((name) => this.#params[name].view), names.map((name) => this.#copies.get(name)!.view)],
      names.map(() => null),
    );
    const { backend } = this.#params[names[0]].device;
    lists[0].forEach((from, i) => void backend.copy(from, lists[1][i]));
  }

  /**
   * The copy of that parameter, in the innermost scope. Its contents change with the next `refresh`.
   *
   * @throws ConfigError for a name that no parameter has
   */
  get(name: string): Tensor {
    const kept = this.#copies.get(name);
    if (kept === undefined) {
      throw new ConfigError(`parameterCopies.get: name must be that of a parameter, got ${shown(name)}.`, { name });
    }
    const copy = kept.alias();
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
