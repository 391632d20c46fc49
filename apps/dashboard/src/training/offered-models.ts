/** A model that one page hands to another: a zip of a run folder. */
export interface OfferedModel {
  readonly name: string;
  readonly zip: Uint8Array;
}

let offered: OfferedModel | null = null;

/** Hands a model to whichever page takes it next. */
export function offerModel(name: string, zip: Uint8Array): void {
  offered = { name, zip };
}

/** The model handed over, once. */
export function takeOfferedModel(): OfferedModel | null {
  const taken = offered;
  offered = null;
  return taken;
}
