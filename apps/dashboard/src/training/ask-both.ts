import { VARIANTS, type Variant } from './training-messages.ts';
import { askTraining } from './training-store.ts';
import type { ChatTurn } from './training-view.ts';

const LENGTH = 120;
/** Characters of the conversation that a model still sees: it learned from shorter ones. */
const MEMORY = 600;

/** What a model has before it: the conversation as one text, for it continues texts and knows no roles. */
function contextOf(turns: readonly ChatTurn[], variant: Variant, prompt: string): string {
  return [...turns.flatMap((turn) => [turn.prompt, turn.answers[variant]]), prompt].join('').slice(-MEMORY);
}

/** Both models answer the same words; each goes on from its own answers before. */
export function askBoth(turns: readonly ChatTurn[], prompt: string, temperature: number): void {
  const turn = (turns.at(-1)?.turn ?? 0) + 1;
  for (const variant of VARIANTS) {
    const context = contextOf(turns, variant, prompt);
    const words = { shown: prompt, prompt: context };
    askTraining({ kind: 'generate', turn, variant, ...words, maxNewTokens: LENGTH, temperature });
  }
}
