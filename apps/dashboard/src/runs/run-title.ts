/** Settings whose last word says less than another. */
const WORDS: Readonly<Record<string, string>> = { lr: 'rate' };

/**
 * A run's name for people: `final-pre.moda-optimizer.lr=0.004,seed=1`, as `moda study` names its runs, is
 * `final-pre.moda · rate 0.004 · seed 1`. Other names stay as they are.
 */
export function runTitle(name: string): string {
  const found = /^(?:([^=]*)-)?((?:[\w.]+=[^,=]+,)*[\w.]+=[^,=]+)$/.exec(name);
  if (found === null) return name;
  const settings = found[2].split(',').map((setting) => {
    const [key, value] = setting.split('=');
    const word = key.split('.').at(-1)!;
    return `${WORDS[word] ?? word} ${value}`;
  });
  return [...(found[1] ? [found[1]] : []), ...settings].join(' · ');
}
