import type { Kind, Place } from './kinds.ts';

/** How an exported function is called, and with what it must not be. */
export interface Call {
  readonly args: readonly Kind[];
  /** The call itself; its result may be a promise. */
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose
  readonly run: (...args: any[]) => unknown;
}

export type CallTable = Readonly<Record<string, Call>>;

/** A wrong call: what is wrong, and the arguments, made anew. */
export interface WrongCall {
  readonly label: string;
  readonly args: (place: Place) => unknown[];
}

/** Every call with one wrong argument. */
export function wrongCalls({ args }: Call): WrongCall[] {
  return args.flatMap((it, at) =>
    Object.entries(it.wrong).map(([label, value]) => ({
      label: `argument ${at + 1}: ${label}`,
      args: (place: Place) => args.map((other, i) => (i === at ? value(place) : other.good(place))),
    })),
  );
}
