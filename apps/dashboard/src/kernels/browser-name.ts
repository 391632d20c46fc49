/** The browser and its version, as a benchmark file names it: `Chrome 147`. */
export function browserName(agent = navigator.userAgent): string {
  for (const [pattern, name] of [
    [/Edg\/(\d+)/, 'Edge'],
    [/Chrome\/(\d+)/, 'Chrome'],
    [/Firefox\/(\d+)/, 'Firefox'],
    [/Version\/(\d+)[\d.]* .*Safari/, 'Safari'],
  ] as const) {
    const version = pattern.exec(agent)?.[1];
    if (version !== undefined) return `${name} ${version}`;
  }
  return 'unknown browser';
}
