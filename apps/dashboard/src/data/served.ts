/** Whether `moda dashboard` serves this page, with a runs folder beside it; false on any other web server. */
export function isServed(): boolean {
  return document.querySelector('meta[name="moda-server"]') !== null;
}

/** Address of a file of the served runs folder, such as `tiny/config.json`. */
export function servedFile(path: string): string {
  return `api/files/${path.split('/').map(encodeURIComponent).join('/')}`;
}
