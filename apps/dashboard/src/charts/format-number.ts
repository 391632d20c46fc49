const UNITS = ['', 'k', 'M', 'G', 'T'];

/** A number in few characters: `1.5k`, `0.0312`, `3.0e-4`. */
export function compactNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-3 || size >= 1e15) return value.toExponential(1);
  if (size < 1000) return String(Number(value.toPrecision(4)));
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(size) / 3));
  return `${Number((value / 1000 ** unit).toPrecision(4))}${UNITS[unit]}`;
}

/** A number of bytes: `12.5 MiB`. */
export function bytesText(value: number): string {
  const unit = value < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10));
  return `${Number((value / 1024 ** unit).toPrecision(3))} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

/** A span of seconds: `12 s`, `3 min 20 s`, `2 h 5 min`, `1 d 3 h`. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const [sizes, names] = [
    [86_400, 3600, 60, 1],
    ['d', 'h', 'min', 's'],
  ];
  const first = sizes.findIndex((size) => seconds >= size);
  const whole = Math.floor(seconds / sizes[first]);
  const rest = first < 3 ? Math.round((seconds % sizes[first]) / sizes[first + 1]) : 0;
  return rest === 0 ? `${whole} ${names[first]}` : `${whole} ${names[first]} ${rest} ${names[first + 1]}`;
}
