/** Number of single-letter insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  let beforeLast = new Array<number>(width).fill(0);
  let last = Array.from({ length: width }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j < width; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2] + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/**
 * The candidate that the writer of `key` most likely meant: the smallest edit distance, letters compared without case;
 * of dotted candidates the last word alone may match (`lr` finds `optimizer.lr`). Ties go to the earlier candidate.
 * Null for an empty list or when even the nearest differs in more than half of its letters.
 */
export function nearestKey(key: string, candidates: readonly string[]): string | null {
  const wanted = key.toLowerCase();
  const wantedLeaf = wanted.slice(wanted.lastIndexOf('.') + 1);
  let best: string | null = null;
  let bestScore = Infinity;
  for (const candidate of candidates) {
    const full = candidate.toLowerCase();
    const leaf = full.slice(full.lastIndexOf('.') + 1);
    // A match of the last word alone costs a little, so that the same section wins.
    const score = Math.min(editDistance(wanted, full), editDistance(wantedLeaf, leaf) + 0.5);
    if (score < bestScore && score <= Math.max(1.5, leaf.length / 2 + 0.5)) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}
