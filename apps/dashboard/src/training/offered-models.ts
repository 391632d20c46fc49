import { useWatched, WatchedValue } from '../ui/watched-value.ts';

/** A model that one page hands to another: a zip of a run folder. */
export interface OfferedModel {
  readonly name: string;
  readonly zip: Uint8Array;
}

const offered = new WatchedValue<OfferedModel | null>(null);

/** Hands a model to whichever page takes it next. */
export function offerModel(name: string, zip: Uint8Array): void {
  offered.value = { name, zip };
}

/** The model on offer; whoever takes it calls `takeOfferedModel`. */
export const useOfferedModel = (): OfferedModel | null => useWatched(offered);

/** The model is taken: nobody else gets it. */
export function takeOfferedModel(): void {
  offered.value = null;
}
