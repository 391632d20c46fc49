/** Reasons of promises that were rejected and had no handler while `work` ran, and shortly after. */
export async function unhandledRejections(work: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const note = (reason: unknown): void => void reasons.push(reason);
  process.on('unhandledRejection', note);
  try {
    await work();
    // A destroyed device rejects its readbacks on its own time.
    await new Promise((resolve) => setTimeout(resolve, 200));
  } finally {
    process.off('unhandledRejection', note);
  }
  return reasons;
}
