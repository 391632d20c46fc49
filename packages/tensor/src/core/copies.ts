/** The version of this package, written in when it is built. */
declare const __VERSION__: string | undefined;

/** A copy of this package within one program. */
interface Copy {
  readonly version: string;
}

const HERE: Copy = { version: typeof __VERSION__ === 'string' ? __VERSION__ : 'from source' };
/** Shared by all copies, whatever their version. */
const OPENED = Symbol.for('@modajs/tensor: copies with a device');

function opened(): Set<Copy> {
  const holder = globalThis as { [OPENED]?: Set<Copy> };
  holder[OPENED] ??= new Set();
  return holder[OPENED];
}

/** Records that `init` of this copy has opened a device. */
export function noteOpened(): void {
  opened().add(HERE);
}

/**
 * A sentence for errors that a second copy of this package explains: package managers install two where two `@modajs`
 * packages ask for versions that do not go together, and a device or a tensor of one is none to the other.
 * Undefined where no other copy has opened a device.
 */
export function otherCopyCure(): string | undefined {
  const other = [...opened()].find((copy) => copy !== HERE);
  return (
    other &&
    `This program holds two copies of @modajs/tensor, ${HERE.version} and ${other.version}: give all @modajs packages one version, and look with \`npm ls @modajs/tensor\`.`
  );
}
