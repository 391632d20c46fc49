import { useState } from 'preact/hooks';
import { askBoth } from '../../training/ask-both.ts';
import { LABELS, VARIANTS } from '../../training/training-messages.ts';
import { askTraining, startNewChat } from '../../training/training-store.ts';
import type { ChatTurn } from '../../training/training-view.ts';

/** What was asked, and what both models made of it. */
function Conversation({ turns }: { readonly turns: readonly ChatTurn[] }) {
  return (
    <div role="log" aria-label="Conversation">
      {turns.map((turn) => (
        <div key={turn.turn} class="turn">
          <p class="question">{turn.prompt}</p>
          <div class="pair">
            {VARIANTS.map((variant) => (
              <figure key={variant} class="sample" data-variant={variant} aria-busy={turn.isWriting[variant]}>
                <figcaption class={`name ${variant}`}>{LABELS[variant]}</figcaption>
                <blockquote>{turn.answers[variant] || (turn.isWriting[variant] ? '…' : '')}</blockquote>
              </figure>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

/** Both models answer the same words; each goes on from its own answers before. */
export function Chat({ turns }: { readonly turns: readonly ChatTurn[] }) {
  const [prompt, setPrompt] = useState('The ');
  const [temperature, setTemperature] = useState(0.8);
  const isWriting = turns.some((turn) => VARIANTS.some((variant) => turn.isWriting[variant]));
  const ask = (): void => {
    askBoth(turns, prompt, temperature);
    setPrompt('');
  };
  return (
    <form
      class="card chat"
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <div class="card-head">
        <h2>Ask the models</h2>
        <button type="button" class="quiet" disabled={turns.length === 0 || isWriting} onClick={startNewChat}>
          New conversation
        </button>
      </div>
      <p class="note">
        They continue text in the style they learned. Each sees the conversation so far, its own answers in it.
      </p>
      <Conversation turns={turns} />
      <div class="row ask">
        <label class="field grow">
          <span class="field-label">Your words</span>
          <input type="text" value={prompt} onInput={({ currentTarget }) => setPrompt(currentTarget.value)} />
        </label>
        <label class="field">
          <span class="field-label">Temperature</span>
          <input
            type="number"
            min={0}
            max={2}
            step={0.1}
            value={temperature}
            onInput={({ currentTarget }) => setTemperature(currentTarget.valueAsNumber)}
          />
        </label>
        {isWriting ? (
          <button type="button" onClick={() => askTraining({ kind: 'hush' })}>
            Stop writing
          </button>
        ) : (
          <button type="submit" class="primary" disabled={prompt === '' || !(temperature >= 0)}>
            Ask both
          </button>
        )}
      </div>
    </form>
  );
}
