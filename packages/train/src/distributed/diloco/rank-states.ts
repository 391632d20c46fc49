import type { SafetensorsInput, Tensor } from '@modajs/tensor';
import type { Collective } from '../collective.ts';
import { bytesOf, encodeLetter, floatsOf, type Letter } from './letters.ts';

/** What one rank alone has: tensors by name, and the rest. */
export interface RankState {
  readonly tensors: Readonly<Record<string, SafetensorsInput>>;
  readonly state: unknown;
}

type HostInput = Exclude<SafetensorsInput, Tensor>;

/** The states of the other ranks as they come to the first one, for a checkpoint. */
export class RankStates {
  private readonly tensors = new Map<string, Record<string, HostInput>>();
  private readonly whole = new Map<string, RankState>();

  /** Takes in a letter of kind `tensor` or `state`. */
  add(rank: number, { head, payload }: Letter): void {
    if (head.kind !== 'tensor' && head.kind !== 'state') return;
    const key = `${head.step} ${rank}`;
    const tensors = this.tensors.get(key) ?? {};
    this.tensors.set(key, tensors);
    if (head.kind === 'tensor') {
      tensors[head.name] = { dtype: 'F32', shape: head.shape, data: floatsOf(payload) };
      return;
    }
    this.whole.set(key, { tensors, state: head.state });
    this.tensors.delete(key);
  }

  has(step: number, rank: number): boolean {
    return this.whole.has(`${step} ${rank}`);
  }

  /** States of a step by rank; forgets those and all earlier ones. */
  take(step: number): Map<number, RankState> {
    const taken = new Map<number, RankState>();
    for (const [key, state] of this.whole) {
      const [of, rank] = key.split(' ').map(Number);
      if (of === step) taken.set(rank, state);
    }
    for (const all of [this.whole, this.tensors]) {
      for (const key of all.keys()) if (Number.parseInt(key, 10) <= step) all.delete(key);
    }
    return taken;
  }
}

/** Sends what a rank alone has to the first rank, tensor by tensor. @returns bytes sent */
export async function sendRankState(
  collective: Collective,
  step: number,
  tensors: Readonly<Record<string, SafetensorsInput>>,
  state: unknown,
): Promise<number> {
  // All are asked for before any is there: they are of one step.
  const pending = Object.entries(tensors).map(async ([name, tensor]) => {
    const data = Float32Array.from('isTensor' in tensor ? await tensor.data() : tensor.data);
    return encodeLetter({ kind: 'tensor', step, name, shape: tensor.shape }, bytesOf(data));
  });
  let bytes = 0;
  const post = (letter: Uint8Array): void => {
    bytes += letter.length;
    collective.send(0, letter).catch(() => {});
  };
  for (const letter of await Promise.all(pending)) post(letter);
  post(encodeLetter({ kind: 'state', step, state }));
  return bytes;
}
