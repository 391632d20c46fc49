import type { RunStorage } from './run-storage.ts';

/** A run's files to be read: any `RunStorage`, files that a page was given, a server. */
export type RunFiles = Pick<RunStorage, 'location' | 'exists' | 'list' | 'read'>;
