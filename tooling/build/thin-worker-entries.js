/**
 * Vite plugin for `worker.plugins`: the entry of every worker is a chunk from which no other chunk imports.
 *
 * WebKit evaluates a worker's entry a second time when a lazy chunk imports back from it; the second copy, with no state,
 * then takes over `onmessage`. Rolldown puts what is shared into a chunk of its own when an entry's exports must stay as written.
 */
export function thinWorkerEntries() {
  return {
    name: 'thin-worker-entries',
    options: (options) => ({ ...options, preserveEntrySignatures: 'strict' }),
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        const entry = [...chunk.imports, ...chunk.dynamicImports].find((name) => bundle[name]?.isEntry);
        if (entry)
          this.error(`${chunk.fileName} imports from ${entry}, the entry of a worker: WebKit would run it twice.`);
      }
    },
  };
}
