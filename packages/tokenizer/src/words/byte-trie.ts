/**
 * The pieces of a vocabulary by their UTF-8 bytes, to find all that begin at a place. Nodes are numbers from 0, the root; the
 * edges are one open-addressing table, so a step costs one lookup.
 */
export class ByteTrie {
  #slots = new Int32Array(1 << 12);
  #edges = 0;
  #values = new Int32Array(1 << 10).fill(-1);

  /** Gives `bytes` a value (not negative), or another one. */
  set(bytes: Uint8Array, value: number): void {
    let node = 0;
    for (let i = 0; i < bytes.length; i++) {
      const next = this.step(node, bytes[i] as number);
      node = next >= 0 ? next : this.#addEdge(node, bytes[i] as number);
    }
    this.#values[node] = value;
  }

  /** The node behind `node` for the next byte, or -1. */
  step(node: number, byte: number): number {
    const slots = this.#slots;
    const wrap = slots.length - 1;
    for (let at = homeOf(node, byte) & wrap; ; at = (at + 4) & wrap) {
      const child = slots[at + 2] as number;
      if (child === 0) return -1;
      if (slots[at] === node && slots[at + 1] === byte) return child;
    }
  }

  /** The value of the bytes that lead to `node`, or -1. */
  valueAt(node: number): number {
    return this.#values[node] as number;
  }

  #addEdge(node: number, byte: number): number {
    if ((this.#edges + 1) * 8 > this.#slots.length) this.#grow();
    const child = ++this.#edges;
    if (child === this.#values.length) {
      const larger = new Int32Array(child * 2).fill(-1);
      larger.set(this.#values);
      this.#values = larger;
    }
    insert(this.#slots, node, byte, child);
    return child;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 2] !== 0) insert(this.#slots, old[at] as number, old[at + 1] as number, old[at + 2] as number);
    }
  }
}

const homeOf = (node: number, byte: number) => {
  const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(byte, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) << 2;
};

function insert(slots: Int32Array, node: number, byte: number, child: number): void {
  const wrap = slots.length - 1;
  let at = homeOf(node, byte) & wrap;
  while (slots[at + 2] !== 0) at = (at + 4) & wrap;
  slots[at] = node;
  slots[at + 1] = byte;
  slots[at + 2] = child;
}
