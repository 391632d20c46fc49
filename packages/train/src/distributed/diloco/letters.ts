import { CollectiveError } from '../collective-error.ts';

/** What ranks tell each other, beside the numbers that come with it. */
export type LetterHead =
  /** To the first rank: what a rank's steps changed in a fragment. */
  | {
      readonly kind: 'delta';
      readonly step: number;
      readonly fragment: number;
      /** Updates of the fragment that the rank's outer parameters have had. */
      readonly version: number;
      /** Settings that must be the same on all ranks. */
      readonly plan: string;
      /** Whether this rank was told to stop. */
      readonly stops: boolean;
    }
  /** To the first rank: this one waits, and may have been left out. */
  | { readonly kind: 'here'; readonly plan: string }
  /** From the first rank: how the outer parameters of a fragment change. */
  | {
      readonly kind: 'update';
      readonly step: number;
      readonly fragment: number;
      /** Of the outer parameters after it. */
      readonly version: number;
      /** All ranks stop after they have applied it. */
      readonly stops: boolean;
      /** Ranks that the others go on without. */
      readonly absent: readonly number[];
    }
  /** From the first rank to one that was left out: the outer parameters of a fragment. */
  | { readonly kind: 'snapshot'; readonly step: number; readonly fragment: number; readonly version: number }
  /** From the first rank, when everything is done. */
  | { readonly kind: 'end'; readonly absent: readonly number[] }
  /** From the first rank to one that cannot take part. */
  | { readonly kind: 'refusal'; readonly reason: string }
  /** To the first rank, for a checkpoint: one tensor of this rank's state. */
  | { readonly kind: 'tensor'; readonly step: number; readonly name: string; readonly shape: readonly number[] }
  /** To the first rank: all tensors of this rank have been sent; `state` is the rest. */
  | { readonly kind: 'state'; readonly step: number; readonly state: unknown };

/** A letter as its receiver sees it. */
export interface Letter {
  readonly head: LetterHead;
  /** Lies at a multiple of 8 bytes. */
  readonly payload: Uint8Array;
}

const ALIGNMENT = 8;
const LENGTH_BYTES = 4;

/** u32 length of the head, the head as JSON, blanks up to a multiple of 8 bytes, the payload. */
export function encodeLetter(head: LetterHead, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const start = payloadStart(json.length);
  const bytes = new Uint8Array(start + payload.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, LENGTH_BYTES);
  bytes.set(payload, start);
  return bytes;
}

/** @throws CollectiveError for bytes that are no letter */
export function decodeLetter(bytes: Uint8Array): Letter {
  const aligned = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, length } = aligned;
  const headLength = length < LENGTH_BYTES ? Infinity : new DataView(buffer, byteOffset).getUint32(0, true);
  if (payloadStart(headLength) > length) {
    throw new CollectiveError(
      `diloco: a message must hold the head that it names, got ${length} B. Start every rank with the same version.`,
      { length },
    );
  }
  const json = new TextDecoder().decode(aligned.subarray(LENGTH_BYTES, LENGTH_BYTES + headLength));
  try {
    return { head: JSON.parse(json), payload: aligned.subarray(payloadStart(headLength)) };
  } catch {
    throw new CollectiveError(
      `diloco: the head of a message must be JSON, got ${json.slice(0, 40)}. Start every rank with the same version.`,
    );
  }
}

/** The f32 values of a payload, without a copy. */
export function floatsOf({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);
}

/** The bytes of values, without a copy. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function payloadStart(headLength: number): number {
  return Math.ceil((LENGTH_BYTES + headLength) / ALIGNMENT) * ALIGNMENT;
}
