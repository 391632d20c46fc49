import type { TuneOutcome } from '@modajs/bench';

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** How many classes of shapes have a configuration that beats the default, and by how much of the default's time. */
export function tuneSummary(outcomes: readonly TuneOutcome[]): string {
  if (outcomes.length === 0) return 'No class of shapes was finished.';
  const better = outcomes.filter(({ config }) => config !== null);
  const of = `${outcomes.length} ${outcomes.length === 1 ? 'class' : 'classes'} of shapes`;
  const verb = better.length === 1 ? 'beats' : 'beat';
  const count = `${better.length} of ${of} ${verb} the default${gainText(better)}.`;
  return [better.length === 0 ? `The default is the fastest in ${of}.` : count, rejectedText(outcomes)]
    .join(' ')
    .trim();
}

function gainText(better: readonly TuneOutcome[]): string {
  const gains = better
    .flatMap(({ defaultMs, bestMs }) => (defaultMs === null || bestMs === null ? [] : [1 - bestMs / defaultMs]))
    .sort((a, b) => a - b);
  if (gains.length === 0) return '';
  if (gains.length === 1) return `, by ${percent(gains[0])} of its time`;
  const median = gains[gains.length >> 1];
  return `, by ${percent(gains[0])} to ${percent(gains.at(-1)!)} of its time, ${percent(median)} in the middle`;
}

function rejectedText(outcomes: readonly TuneOutcome[]): string {
  const count = outcomes.reduce((sum, { rejected }) => sum + rejected.length, 0);
  if (count === 0) return '';
  return count === 1
    ? '1 candidate was wrong or refused, and is not used.'
    : `${count} candidates were wrong or refused, and are not used.`;
}
