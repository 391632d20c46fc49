import { shown, TokenizerError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { ChatExample, ChatMessage, ChatTemplate } from './chat-template.ts';

/** A conversation as a line of a file has it: messages, or a prompt and its completion as texts. */
export type Conversation =
  | { readonly messages: readonly ChatMessage[] }
  | { readonly prompt: string; readonly completion: string };

/** Tokens of an example, and which of them count in the loss. */
export interface ChatTokens {
  readonly ids: Int32Array;
  /** 1 for tokens of an answer. */
  readonly isAnswer: Uint8Array;
}

/** What stands around a text that no template frames. */
export interface TextFrame {
  readonly begin: number | null;
  readonly end: readonly number[];
}

/** Whether a row of JSON lines is a conversation: it has `messages`, or a `prompt` and a `completion`. */
export function isConversation(row: unknown): boolean {
  return isMapping(row) && ('messages' in row || ('prompt' in row && 'completion' in row));
}

/**
 * Reads a row in TRL's forms: `{ messages }`, `{ prompt, completion }` as texts, or both as lists of messages.
 *
 * @throws {TokenizerError} a row of another form, naming the field
 */
export function readConversation(row: unknown): Conversation {
  if (!isMapping(row) || !isConversation(row)) {
    const fields = isMapping(row) ? `the fields ${Object.keys(row).join(', ')}` : shown(row);
    throw refused(`must have "messages", or "prompt" and "completion", got ${fields}`);
  }
  if ('messages' in row) return { messages: messagesOf(row['messages'], 'messages') };
  const { prompt, completion } = row;
  if (typeof prompt === 'string' && typeof completion === 'string') {
    if (completion === '') throw refused('"completion" must not be empty, got ""');
    return { prompt, completion };
  }
  return { messages: [...messagesOf(prompt, 'prompt'), ...messagesOf(completion, 'completion')] };
}

/**
 * Tokens of a conversation, one or more examples. Special tokens that stand in the text are encoded, as `transformers` does.
 *
 * @param template null where only prompts and completions may come
 * @throws {TokenizerError} messages without a template, or that the template refuses
 */
export function encodeConversation(
  conversation: Conversation,
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  frame: TextFrame,
): ChatTokens[] {
  if ('messages' in conversation) {
    if (template !== null) {
      return template.examples(conversation.messages).map((example) => encodeExample(example, tokenizer));
    }
    throw refused(
      '"messages" must have a chat template, the model has none. Give one, or use "prompt" and "completion"',
    );
  }
  const { prompt, completion } = conversation;
  const text = prompt + completion;
  const { ids, isAnswer } = encodeExample({ text, answers: [[prompt.length, text.length]] }, tokenizer);
  const before = frame.begin === null || ids[0] === frame.begin ? [] : [frame.begin];
  const after = frame.end.includes(ids[ids.length - 1]) ? [] : frame.end.slice(0, 1);
  return [
    {
      ids: Int32Array.from([...before, ...ids, ...after]),
      isAnswer: Uint8Array.from([...before.map(() => 0), ...isAnswer, ...after.map(() => 1)]),
    },
  ];
}

/** A token that reaches into an answer is part of it. */
function encodeExample({ text, answers }: ChatExample, tokenizer: Tokenizer): ChatTokens {
  const { ids, starts, ends } = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
  const isAnswer = new Uint8Array(ids.length);
  let answer = 0;
  for (let i = 0; i < ids.length; i++) {
    while (answer < answers.length && answers[answer][1] <= starts[i]) answer++;
    if (answer < answers.length && ends[i] > answers[answer][0]) isAnswer[i] = 1;
  }
  return { ids, isAnswer };
}

function messagesOf(value: unknown, field: string): readonly ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw refused(`"${field}" must be a list of messages, got ${shown(value)}`);
  }
  for (const [i, message] of value.entries()) {
    if (!isMapping(message) || typeof message['role'] !== 'string') {
      throw refused(`"${field}[${i}].role" must be text, got ${shown(isMapping(message) ? message['role'] : message)}`);
    }
    const { content, tool_calls: calls } = message;
    const isContent = typeof content === 'string' || Array.isArray(content) || (content == null && calls != null);
    if (!isContent) throw refused(`"${field}[${i}].content" must be text, got ${shown(content)}`);
  }
  return value as ChatMessage[];
}

function refused(problem: string): TokenizerError {
  return new TokenizerError('chat', `${problem}.`);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
