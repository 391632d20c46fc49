/** Enough English to learn from, made here: sentences over a small vocabulary. */
export function sentences(count: number): string {
  const pick = (words: readonly string[], i: number): string => words[(i * 7 + (i >> 3)) % words.length];
  const nouns = ['whale', 'ship', 'captain', 'sea', 'harpoon', 'wind', 'sailor'];
  const verbs = ['sees', 'hunts', 'follows', 'fears', 'loves'];
  return Array.from(
    { length: count },
    (_, i) => `The ${pick(nouns, i)} ${pick(verbs, i + 3)} the ${pick(nouns, i + 5)}.`,
  ).join(' ');
}
