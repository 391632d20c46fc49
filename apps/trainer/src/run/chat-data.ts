import { DataError } from '@modajs/tensor';
import { documentHash, type Tokenizer, TokenizerError } from '@modajs/tokenizer';
import {
  ChatTemplate,
  type ChatTemplateSource,
  type ChatTokens,
  encodeConversation,
  isConversation,
  readConversation,
} from '@modajs/tokenizer/chat';
import { type JsonRow, streamRows } from '@modajs/tokenizer/node';
import {
  type DataSourceConfig,
  type HeldOutText,
  heldOutSides,
  PackedRows,
  packedSource,
  type RunConfig,
  type SpecialTokens,
  type WeightedSource,
} from '@modajs/train';
import { documentSeparator } from '../model/special-tokens.ts';

/** What a run trains on and holds out of a source of conversations. */
export interface ChatData {
  readonly path: string;
  readonly source: WeightedSource;
  readonly heldOut: HeldOutText | null;
  /** What was cut or left out, for people; null for nothing. */
  readonly note: string | null;
}

/** What conversations are encoded with. */
export interface ChatText {
  readonly tokenizer: Tokenizer;
  readonly special: SpecialTokens;
  readonly chat: ChatTemplateSource | null;
}

/** Whether a source holds conversations: JSON lines whose first row has `messages`, or `prompt` and `completion`. */
export async function isChatData(path: string): Promise<boolean> {
  if (path.startsWith('builtin:')) return false;
  try {
    for await (const { row } of streamRows(path)) return isConversation(row);
  } catch {
    // Read again as text, which says what is wrong.
  }
  return false;
}

/**
 * Reads conversations, splits and packs them. The held-out ones are drawn by a hash, as documents are.
 *
 * @param T tokens of a training sequence
 * @throws DataError in one line with file and line; TokenizerError for a template that is none
 */
export async function openChatData(
  { path, weight }: DataSourceConfig,
  { tokenizer, special, chat }: ChatText,
  { data }: Pick<RunConfig, 'data'>,
  T: number,
): Promise<ChatData> {
  const template = chat === null ? null : new ChatTemplate(chat);
  const frame = { begin: special.begin, end: special.end };
  const conversations: ChatTokens[][] = [];
  const hashes: number[] = [];
  for await (const line of streamRows(path, { onInvalid: data.onInvalid })) {
    conversations.push(encodeRow(line, (row) => encodeConversation(readConversation(row), tokenizer, template, frame)));
    hashes.push(documentHash(JSON.stringify(line.row)));
  }
  const sides = heldOutSides(hashes, data.heldOut);
  const rowsOf = (side: number): PackedRows =>
    new PackedRows(
      conversations.flatMap((examples, i) => (sides[i] === side ? examples : [])),
      T,
    );
  const [train, held] = [rowsOf(0), rowsOf(1)];
  const heldOut = held.targets === 0 ? null : heldOutOf(path, held, tokenizer, documentSeparator(special));
  return { path, source: { source: packedSource(path, train), weight }, heldOut, note: noteOf(path, train, held) };
}

function heldOutOf(name: string, rows: PackedRows, tokenizer: Tokenizer, between: readonly number[]): HeldOutText {
  let bytes = 0;
  rows.forEachTarget((id) => {
    // What frames a turn is no text.
    if (!tokenizer.isSpecial(id) && !between.includes(id)) bytes += tokenizer.bytesOf(id).length;
  });
  return { name, tokens: rows.row(0).ids, bytes, rows };
}

function encodeRow({ row, path, index }: JsonRow, encode: (row: unknown) => ChatTokens[]): ChatTokens[] {
  try {
    return encode(row);
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    const place = `line ${index + 1}`;
    const message = `data: ${path} (${place}): ${error.message.replace(/^chat: /, '')}`;
    throw new DataError(message, { path, place }, { cause: error });
  }
}

function noteOf(path: string, train: PackedRows, held: PackedRows): string | null {
  const shortened = train.shortened + held.shortened;
  const leftOut = train.leftOut + held.leftOut;
  if (shortened + leftOut === 0) return null;
  return (
    `data: ${path}: of conversations longer than ${train.T} tokens ${shortened} lose their end and ${leftOut}, whose answers lie there, ` +
    'are left out. A larger training.seqLen keeps them.'
  );
}
