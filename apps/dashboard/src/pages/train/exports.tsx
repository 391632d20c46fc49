import { LABELS, VARIANTS } from '../../training/training-messages.ts';
import { askTraining } from '../../training/training-store.ts';

/** Takes the models out of the page. */
export function Exports() {
  return (
    <div class="card">
      <h2>Keep them</h2>
      <p class="note">
        A zip is a run folder: weights as safetensors, tokenizer, metrics. Unpacked,{' '}
        <code>npx @modajs/trainer generate ./folder</code> continues texts with it and <code>moda eval</code> measures
        it.
      </p>
      <div class="row">
        {VARIANTS.map((variant) => (
          <button
            key={variant}
            type="button"
            onClick={() => askTraining({ kind: 'export', variant, purpose: 'download' })}
          >
            Export {LABELS[variant]}
          </button>
        ))}
        <button type="button" onClick={() => askTraining({ kind: 'export', variant: 'moda', purpose: 'attention' })}>
          See where MoDA looks
        </button>
      </div>
    </div>
  );
}
