import type { FileComparison } from './certainties.ts';
import type { Certainties, ScoreTable } from './scores.ts';

/**
 * Certainties in the units of the table. A comparison is made in shares and perplexities; per cent, nats and bits are
 * (nearly) straight lines of these over a difference, so its interval scales with the difference.
 */
export function scaledCertainties(
  table: ScoreTable,
  baseline: string,
  comparisons: Readonly<Record<string, FileComparison>>,
): Certainties {
  return Object.fromEntries(
    Object.entries(comparisons).map(([column, { byRow }]) => {
      const rows = table.rows.flatMap((row) => {
        const known = Object.hasOwn(byRow, row.id) ? byRow[row.id] : undefined;
        const [own, base] = [row.scores[column], row.scores[baseline]];
        if (!known || !own || !base) return [];
        const factor = known.difference === 0 ? 1 : (own.value - base.value) / known.difference;
        const { pValue, significant, paired } = known;
        const [standardError, low, high] = [known.standardError, known.low, known.high].map((value) => value * factor);
        return [[row.id, { standardError, low, high, pValue, significant, paired }] as const];
      });
      return [column, Object.fromEntries(rows)];
    }),
  );
}
