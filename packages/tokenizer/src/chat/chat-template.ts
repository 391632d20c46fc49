import { Template } from '@huggingface/jinja';
import { shown, TokenizerError } from '../errors.ts';
import type { ChatTemplateSource } from './chat-source.ts';

/** One turn of a conversation. Templates may read further fields, such as `tool_calls`. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what else the template knows. */
  readonly role: string;
  /** Text, or parts such as `{ type: 'text', text }` where the template reads them. */
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

/** The text of a conversation, and what of it a model is to learn to write. */
export interface ChatExample {
  readonly text: string;
  /** `[start, end)` in the text of each answer, with what ends it. */
  readonly answers: readonly (readonly [start: number, end: number])[];
}

/** What stands for an answer when it is asked what ends one. */
const PROBE = 'answer';

/**
 * A model's chat template, run as `transformers` runs it (`apply_chat_template`): blocks are trimmed, special tokens are variables, a
 * template may refuse a conversation by `raise_exception`.
 */
export class ChatTemplate {
  readonly #template: Template;

  /** @throws {TokenizerError} a template that is no Jinja, naming file and key */
  constructor(readonly source: ChatTemplateSource) {
    try {
      this.#template = new Template(source.template);
    } catch (cause) {
      throw this.#failure(cause, 'be a Jinja template');
    }
  }

  /**
   * The text of a conversation.
   *
   * @param addGenerationPrompt end with what stands before an answer
   * @throws {TokenizerError} when the template fails or refuses the messages
   */
  render(messages: readonly ChatMessage[], addGenerationPrompt = false): string {
    requireMessages(messages);
    const { tokens } = this.source;
    try {
      // As `transformers` calls it: what is not given is none, not undefined.
      const none = { tools: null, documents: null };
      return this.#template.render({ ...tokens, ...none, messages, add_generation_prompt: addGenerationPrompt });
    } catch (cause) {
      throw this.#failure(cause, 'render the messages');
    }
  }

  /**
   * A conversation as training text. Every answer stands behind the prompt that generation would give: a template that shows earlier
   * answers in another way than the last one (without their thoughts, say) gives one example for each answer.
   *
   * @throws {TokenizerError} a conversation without an answer, or a template whose prompt for an answer is not how the answer begins
   */
  examples(messages: readonly ChatMessage[]): ChatExample[] {
    const whole = this.render(messages);
    const turns = messages.flatMap(({ role }, i) => (role === 'assistant' ? [this.#turn(messages, i)] : []));
    if (turns.length === 0) {
      throw new TokenizerError('chat', 'messages must hold an answer of the role "assistant", got none. Add one.');
    }
    const isOne = turns.every(({ text }) => whole.startsWith(text));
    if (isOne) return [{ text: whole, answers: turns.map(({ start, text }) => [start, text.length] as const) }];
    return turns.map(({ start, text }) => ({ text, answers: [[start, text.length] as const] }));
  }

  /** What ends an answer, such as `<|im_end|>`; empty when nothing does. */
  get answerEnd(): string {
    const question = { role: 'user', content: PROBE };
    const { text } = this.#turn([question, { role: 'assistant', content: PROBE }], 1);
    const rest = text.slice(text.lastIndexOf(PROBE) + PROBE.length);
    return rest.trimEnd() || rest;
  }

  #turn(messages: readonly ChatMessage[], i: number): { text: string; start: number } {
    const prompt = this.render(messages.slice(0, i), true);
    const text = this.render(messages.slice(0, i + 1));
    if (text.startsWith(prompt) && text.length > prompt.length) return { text, start: prompt.length };
    throw new TokenizerError(
      'chat',
      `${this.source.place} must begin an answer as add_generation_prompt does, got ${shown(text.slice(commonStart(prompt, text)))} where the ` +
        `prompt has ${shown(prompt.slice(commonStart(prompt, text)))}. Give a template that does.`,
      { place: this.source.place },
    );
  }

  #failure(cause: unknown, must: string): TokenizerError {
    const [line] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    return new TokenizerError(
      'chat',
      `${this.source.place} must ${must}, it fails: ${line}. Change the messages, or give another template.`,
      { place: this.source.place, cause },
    );
  }
}

function commonStart(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function requireMessages(messages: readonly ChatMessage[]): void {
  for (const [i, message] of messages.entries()) {
    if (typeof message === 'object' && message !== null && typeof message.role === 'string') continue;
    throw new TokenizerError(
      'chat',
      `messages[${i}] must have a role, got ${shown(message)}. Add "user" or "assistant".`,
    );
  }
}
