const longest = 120;

/** A value of any kind in an error message: JSON on one line of at most 120 characters, however long or deep the value is. */
export function shown(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // Nested deeper than the stack, or in itself.
    text = Array.isArray(value) ? 'a deeply nested list' : 'a deeply nested object';
  }
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}
