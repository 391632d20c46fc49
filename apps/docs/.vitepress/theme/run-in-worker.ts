/** What a worker tells the page: a printed line, a warning, an error, or that the program has ended. */
export type RunEvent =
  | { readonly kind: 'line' | 'warning' | 'error'; readonly text: string }
  | { readonly kind: 'end' };

/** Runs first: console and errors go to the page. Tensors print as in Node's console, by their own `toString`. */
const PRELUDE = `
const show = (value) => typeof value === 'string' ? value
  : value === null || typeof value !== 'object' || (value.toString !== Object.prototype.toString && !Array.isArray(value)) ? String(value)
  : JSON.stringify(value, (_, inner) => ArrayBuffer.isView(inner) ? Array.from(inner) : inner);
const send = (kind, text) => postMessage({ kind, text });
console.log = console.info = (...values) => send('line', values.map(show).join(' '));
console.warn = (...values) => send('warning', values.map(show).join(' '));
console.error = (...values) => send('error', values.map(show).join(' '));
addEventListener('unhandledrejection', ({ reason }) => send('error', String(reason)));
`;

/** Imports of the project's packages, by the address of their bundles. */
function withAddresses(code: string, folder: URL): string {
  return code.replace(
    /(from\s*|import\s*\(?\s*)(['"])@modajs\/([a-z/]+)\2/g,
    (_, before: string, quote: string, name: string) =>
      `${before}${quote}${new URL(`${name.replace('/', '-')}.js`, folder)}${quote}`,
  );
}

/**
 * Runs a program, a module that may wait at its top level, in a worker of its own.
 *
 * @param code imports from `@modajs/*` as in Node
 * @param folder address of the bundled packages
 * @returns a function that stops it
 */
export function runInWorker(code: string, folder: URL, listener: (event: RunEvent) => void): () => void {
  const text = `${withAddresses(code, folder)}\n`;
  const main = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  // The program is imported, so that its syntax errors are told too.
  const start = `${PRELUDE}
import(${JSON.stringify(main)}).catch((error) => send('error', String(error))).finally(() => postMessage({ kind: 'end' }));`;
  const entry = URL.createObjectURL(new Blob([start], { type: 'text/javascript' }));
  const worker = new Worker(entry, { type: 'module' });
  const stop = () => {
    worker.terminate();
    URL.revokeObjectURL(entry);
    URL.revokeObjectURL(main);
  };
  worker.onmessage = ({ data }: MessageEvent<RunEvent>) => {
    listener(data);
    if (data.kind === 'end') stop();
  };
  worker.onerror = ({ message }) => {
    listener({ kind: 'error', text: message || 'the browser could not start the worker' });
    listener({ kind: 'end' });
    stop();
  };
  return stop;
}
