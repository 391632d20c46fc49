/** Something several owners need, its creator and nodes of the graph: freed when the last of them lets go. */
export abstract class Shared {
  #holders = 0;
  readonly #own = this.hold();

  /** Whether the last owner has let go. */
  get isFreed(): boolean {
    return this.#holders === 0;
  }

  /** One owner more, until its `dispose`, which may be called twice. */
  hold(): Hold {
    this.#holders++;
    let isHeld = true;
    return {
      dispose: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#holders--;
        if (this.#holders === 0) this.free();
      },
    };
  }

  /** Its creator lets go. Safe to call twice. */
  dispose(): void {
    this.#own.dispose();
  }

  protected abstract free(): void;
}

/** One owner's share of something. */
export interface Hold {
  dispose(): void;
}
