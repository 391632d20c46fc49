import type { Tensor } from './tensor.ts';
import { callback, refusePromise, type Synchronous } from './value-checks.ts';

/** Anything made of tensors that can leave a scope. */
export type TensorTree =
  | Tensor
  | null
  | undefined
  | number
  | string
  | boolean
  | readonly TensorTree[]
  | { readonly [key: string]: TensorTree };

/**
 * Owns the tensors created while it is the innermost scope and disposes of them when it ends.
 *
 * @example
 * {
 *   using s = scope();
 *   const y = s.keep(matmul(a, b)); // survives
 * }
 */
export class Scope {
  readonly #owned = new Set<Tensor>();
  readonly #parent: Scope | null;
  #open = true;

  constructor() {
    this.#parent = innermost;
    innermost = this;
  }

  /** For the tensor constructor: takes ownership of a new tensor. */
  adopt(tensor: Tensor): void {
    this.#owned.add(tensor);
  }

  /** For `dispose`: a tensor that is already gone needs no owner. */
  forget(tensor: Tensor): void {
    this.#owned.delete(tensor);
  }

  /** Hands a tensor (or a tree of them) to the enclosing scope; without one, to the caller. */
  keep<T>(value: T): T {
    forEachTensor(value, (tensor) => {
      if (!this.#owned.delete(tensor)) return;
      tensor.owner = this.#parent;
      this.#parent?.adopt(tensor);
    });
    return value;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    // A scope ended out of order would free what an inner one still uses; end the inner ones first.
    while (innermost !== null && innermost !== this) innermost[Symbol.dispose]();
    innermost = this.#parent;
    for (const tensor of this.#owned) {
      tensor.owner = null;
      tensor.dispose();
    }
    this.#owned.clear();
  }
}

let innermost: Scope | null = null;

export function currentScope(): Scope | null {
  return innermost;
}

/** Opens a scope; end it with `using` or `[Symbol.dispose]()`. */
export function scope(): Scope {
  return new Scope();
}

/**
 * Runs `body` in a scope; tensors in its result survive, all others created inside are disposed of.
 *
 * @param body synchronous: after an `await` the scope would be gone. Open one with `using s = scope()` instead
 * @throws ConfigError for a body that returns a promise
 */
export function tidy<T>(body: () => Synchronous<T>): T {
  callback('tidy', 'body', body);
  const inner = new Scope();
  try {
    return inner.keep(refusePromise<T>('tidy', body(), 'Open a scope with `using s = scope()` and keep() the result.'));
  } finally {
    inner[Symbol.dispose]();
  }
}

/**
 * Runs `body` with no scope: what it creates belongs to the caller (parameters, optimiser state).
 *
 * @throws ConfigError for a body that returns a promise
 */
export function withoutScope<T>(body: () => Synchronous<T>): T {
  callback('withoutScope', 'body', body);
  const saved = innermost;
  innermost = null;
  try {
    return refusePromise<T>('withoutScope', body(), 'Await before it, or dispose of the tensors yourself.');
  } finally {
    innermost = saved;
  }
}

function forEachTensor(value: unknown, visit: (tensor: Tensor) => void): void {
  if (value === null || typeof value !== 'object') return;
  if ('isTensor' in value) visit(value as Tensor);
  else if (Array.isArray(value)) for (const item of value) forEachTensor(item, visit);
  else if (value instanceof Map) for (const item of value.values()) forEachTensor(item, visit);
  else if (Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) forEachTensor(item, visit);
}
