const isRemoved = (code: number): boolean =>
  (code >= 1 && code <= 8) ||
  code === 0xb ||
  (code >= 0xe && code <= 0x1f) ||
  code === 0x7f ||
  code === 0x8f ||
  code === 0x9f;

const SPACES = new Set([
  9, 0xa, 0xc, 0xd, 0x1680, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd,
]);

/** What `Nmt` makes of a character: control characters go, other separators become spaces. */
export function nmtImage(character: string): string {
  const code = character.codePointAt(0) as number;
  if (isRemoved(code)) return '';
  return SPACES.has(code) ? ' ' : character;
}
