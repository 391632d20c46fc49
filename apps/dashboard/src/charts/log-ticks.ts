/** Decades a scale of doubles can span; more would be a mistake of whoever asks. */
const MAX_DECADES = 640;

/**
 * The ticks of a logarithmic axis: 1 to 9 times each power of ten that lie in `from` to `to`, ascending, each the double
 * nearest its decimal. None where the range is empty or no range of positive finite numbers.
 *
 * uPlot's own ticks add up steps and round them: an axis that starts just below a power of ten under 1 (0.095) never
 * reaches its end there.
 */
export function logTicks(from: number, to: number): number[] {
  if (!(from > 0) || !(to >= from) || !Number.isFinite(to)) return [];
  const first = Math.floor(Math.log10(from));
  const decades = Math.min(MAX_DECADES, Math.ceil(Math.log10(to)) - first + 1);
  return Array.from({ length: 9 * decades }, (_, i) => Number(`${(i % 9) + 1}e${first + Math.floor(i / 9)}`)).filter(
    (tick) => tick >= from && tick <= to,
  );
}
