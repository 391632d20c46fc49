/**
 * A step of decoding that takes tokens one by one and hands on what is certain. Text comes in pieces: a whole token each or, behind
 * a step that joins tokens, pieces of the one token that all are.
 */
export interface Stage {
  push(piece: string): void;
  /** Hands on what was held back. The stage then starts anew. */
  end(): void;
}

/** Takes what a stage hands on. */
export type Sink = (piece: string) => void;

/** A step of a decoder. */
export interface Step {
  /** Whether what it hands on are pieces of one token. */
  readonly joins: boolean;
  open(out: Sink): Stage;
}

/** A step that turns each token, whose place among the tokens is `index`, into another, or into nothing. */
export function ofTokens(isJoined: boolean, image: (token: string, index: number) => string | undefined): Step {
  return isJoined ? ofWholeText((text) => image(text, 0)) : eachToken(image);
}

/** As `ofTokens` where the image of pieces of a token, put together, is the image of the token. */
export function ofPieces(isJoined: boolean, image: (piece: string, index: number) => string): Step {
  return isJoined
    ? { joins: true, open: (out) => ({ push: (piece) => out(image(piece, 0)), end() {} }) }
    : eachToken(image);
}

function eachToken(image: (token: string, index: number) => string | undefined): Step {
  return {
    joins: false,
    open(out) {
      let index = 0;
      return {
        push(token) {
          const written = image(token, index++);
          if (written !== undefined) out(written);
        },
        end() {
          index = 0;
        },
      };
    },
  };
}

/** A step behind one that joined all tokens, and which needs their whole text. */
export function ofWholeText(image: (text: string) => string | undefined): Step {
  return {
    joins: true,
    open(out) {
      let held: string[] = [];
      return {
        push: (piece) => held.push(piece),
        end() {
          const written = image(held.join(''));
          held = [];
          if (written !== undefined) out(written);
        },
      };
    },
  };
}

/** Steps one behind the other. */
export function chained(steps: readonly Step[]): Step {
  return {
    joins: steps.some(({ joins }) => joins),
    open(out) {
      const stages: Stage[] = [];
      let sink = out;
      for (const step of [...steps].reverse()) {
        const stage = step.open(sink);
        stages.unshift(stage);
        sink = (piece) => stage.push(piece);
      }
      return {
        push: sink,
        end() {
          for (const stage of stages) stage.end();
        },
      };
    },
  };
}
