/**
 * What decides whether a pattern may take exponential time: which parts can match one text in several ways, and whether something
 * behind such a loop can fail, which makes an engine that backtracks try them all.
 */
export interface Shape {
  /** Whether it can match nothing, and never fails. */
  readonly isNullable: boolean;
  /** Whether one text may be matched in more than one way, or texts of more than one length. */
  readonly isLoose: boolean;
  /** Whether it ends with a loop that may match a text in exponentially many ways. */
  readonly isDangerous: boolean;
  /** Whether such a loop stands before something that can fail. */
  readonly explodes: boolean;
  /** Its single characters and classes, as JavaScript sources. */
  readonly atoms: readonly string[];
  /** Those that it may begin with. */
  readonly firsts: readonly string[];
  /** Those that it always begins or ends with, once. */
  readonly edges: readonly string[];
}

const NOTHING = {
  isNullable: false,
  isLoose: false,
  isDangerous: false,
  explodes: false,
  atoms: [],
  firsts: [],
  edges: [],
};

/** One character or class. */
export const ofCharacter = (source: string): Shape => ({
  ...NOTHING,
  atoms: [source],
  firsts: [source],
  edges: [source],
});

/** An anchor or a lookaround, which takes no characters and may fail. */
export const ofAssertion = (inner?: Shape): Shape => ({ ...NOTHING, explodes: inner?.explodes ?? false });

/** A group that is never entered again once it has matched. */
export const ofAtomic = (inner: Shape): Shape => ({ ...inner, isLoose: false, isDangerous: false });

export function ofSequence(parts: readonly Shape[]): Shape {
  const lastThatFails = parts.findLastIndex(({ isNullable }) => !isNullable);
  const firstThatFails = parts.findIndex(({ isNullable }) => !isNullable);
  const firsts = parts.slice(0, firstThatFails < 0 ? parts.length : firstThatFails + 1);
  return {
    isNullable: lastThatFails < 0,
    isLoose: parts.some(({ isLoose }) => isLoose),
    isDangerous: parts.some(({ isDangerous }, index) => isDangerous && index >= lastThatFails),
    explodes: parts.some(({ explodes, isDangerous }, index) => explodes || (isDangerous && index < lastThatFails)),
    atoms: parts.flatMap(({ atoms }) => atoms),
    firsts: firsts.flatMap((part) => part.firsts),
    edges:
      parts.length === 1 ? (parts[0] as Shape).edges : [...(parts[0]?.edges ?? []), ...(parts.at(-1)?.edges ?? [])],
  };
}

export function ofAlternatives(parts: readonly Shape[]): Shape {
  if (parts.length === 1) return parts[0] as Shape;
  const overlap = parts.some((part, index) =>
    parts.slice(index + 1).some((other) => part.firsts.some((a) => other.firsts.some((b) => !areDisjoint(a, b)))),
  );
  return {
    isNullable: parts.some(({ isNullable }) => isNullable),
    isLoose: overlap || parts.some(({ isLoose, isNullable }) => isLoose || isNullable),
    isDangerous: parts.some(({ isDangerous }) => isDangerous),
    explodes: parts.some(({ explodes }) => explodes),
    atoms: parts.flatMap(({ atoms }) => atoms),
    firsts: parts.flatMap(({ firsts }) => firsts),
    edges: [],
  };
}

/** Loops of fewer rounds are not told from their rounds written one behind the other. */
const FEW = 4;

export function ofRepeated(inner: Shape, least: number, most: number): Shape {
  return {
    ...inner,
    isNullable: least === 0 || inner.isNullable,
    isLoose: inner.isLoose || least !== most,
    isDangerous: inner.isDangerous || (most > FEW && inner.isLoose && !hasMarkedRounds(inner)),
    edges: least === 1 && most === 1 ? inner.edges : [],
  };
}

/** Whether every round begins or ends with a character that is nowhere else in it: then only one division into rounds is right. */
function hasMarkedRounds({ edges, atoms }: Shape): boolean {
  return edges.some((edge) => {
    const others = [...atoms];
    others.splice(others.indexOf(edge), 1);
    return others.every((atom) => areDisjoint(edge, atom));
  });
}

const SAMPLE = [
  ...Array.from({ length: 0x250 }, (_, code) => code),
  ...[
    0x300, 0x345, 0x391, 0x3b1, 0x410, 0x430, 0x5d0, 0x627, 0x660, 0x905, 0x966, 0xe01, 0x1100, 0x1c5, 0x2003, 0x2014,
  ],
  ...[
    0x2028, 0x20ac, 0x2160, 0x2190, 0x24b6, 0x3000, 0x3001, 0x3042, 0x30a2, 0x4e00, 0xac00, 0xe000, 0xff21, 0xfffd,
    0x1f600,
  ],
].map((code) => String.fromCodePoint(code));

/** Whether no character, of a sample of all kinds, is in both classes. */
function areDisjoint(a: string, b: string): boolean {
  if (a === b) return false;
  const [first, second] = [new RegExp(`^(?:${a})$`, 'u'), new RegExp(`^(?:${b})$`, 'u')];
  return !SAMPLE.some((character) => first.test(character) && second.test(character));
}
