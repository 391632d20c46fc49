import { ofTokens, type Step } from './stage.ts';

const FALLBACK = /^<0x(?:([0-9A-Fa-f]{2})|\+([0-9A-Fa-f]))>$/;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The byte that a token like `<0x41>` stands for, or undefined. The official library also reads `<0x+A>`. */
export function fallbackByte(token: string): number | undefined {
  const [, two, one] = token.length === 6 ? (FALLBACK.exec(token) ?? []) : [];
  const digits = two ?? one;
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/**
 * Runs of `<0xNN>` become their characters; a run that is not valid UTF-8 becomes one U+FFFD a byte. Only the end of a run tells
 * which, so it is held back until then.
 */
export function joinFallbackBytes(isJoined: boolean): Step {
  if (isJoined) return ofTokens(true, (text) => characters(fallbackByte(text)) ?? text);
  return {
    joins: false,
    open(out) {
      let run: number[] = [];
      const flush = () => {
        if (run.length === 0) return;
        try {
          out(strictUtf8.decode(Uint8Array.from(run)));
        } catch {
          for (const _ of run) out('\ufffd');
        }
        run = [];
      };
      return {
        push(token) {
          const byte = fallbackByte(token);
          if (byte !== undefined) run.push(byte);
          else {
            flush();
            out(token);
          }
        },
        end: flush,
      };
    },
  };
}

const characters = (byte: number | undefined): string | undefined =>
  byte === undefined ? undefined : byte < 0x80 ? String.fromCharCode(byte) : '\ufffd';
