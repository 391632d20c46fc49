import { useEffect, useMemo, useState } from 'preact/hooks';
import { useFigure } from '../../figure/figure-store.ts';
import { type BlockShares, sharesAt } from '../../figure/writer-shares.ts';
import { Term } from '../../terms/term.tsx';
import { Residual } from './residual-panel.tsx';
import { Slots } from './slots-panel.tsx';

/** Time that a block is shown, milliseconds. */
const BLOCK_MS = 900;

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What the block in front does, in a sentence of its own numbers. */
function sentence(block: number, token: string, { depth, writers }: BlockShares): string {
  const at = `Block ${block} at “${token}”`;
  if (block === 0) return `${at}: no block wrote before it, so there is no slot to read.`;
  const most = writers.indexOf(Math.max(...writers));
  return `${at}: ${percent(depth)} of its softmax falls on slots, the most (${percent(writers[most])}) on those of block ${most}; ${percent(1 - depth)} falls on the characters so far.`;
}

/** A tick for every block that is shown, while the figure plays. */
function useTicks(isPlaying: boolean): readonly [number, () => void] {
  const [tick, setTick] = useState(0);
  const next = (): void => setTick((before) => before + 1);
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(next, BLOCK_MS);
    return () => clearInterval(timer);
  }, [isPlaying]);
  return [tick, next];
}

/** The residual stream beside depth slots, with the attention of a model that learns while the reader looks. */
export function DepthFigure() {
  const [isPlaying, setPlaying] = useState(!stillness.matches);
  const [tick, next] = useTicks(isPlaying);
  const figure = useFigure(isPlaying || stillness.matches);
  const maps = figure?.kind === 'maps' ? figure.maps : null;
  const blocks = maps?.layers.length ?? 6;
  const position = maps === null ? 0 : (3 + Math.floor(tick / blocks)) % maps.tokens.length;
  const block = (tick + blocks - 1) % blocks;
  const shares = useMemo(() => (maps === null ? null : sharesAt(maps, position)), [maps, position]);
  return (
    <figure class="card depth-figure" aria-busy={figure === null}>
      <div class="panels">
        <div>
          <h3>
            Ordinary: one <Term of="residualStream">residual stream</Term>
          </h3>
          <Residual blocks={blocks} block={block} />
          <p class="note">Every block adds to one sum. What an early block wrote is mixed with all that came after.</p>
        </div>
        <div>
          <h3>
            MoDA: the same, and <Term of="slot">slots</Term>
          </h3>
          <Slots blocks={blocks} block={block} shares={shares} />
          <p class="note">
            Every block also leaves keys and values in slots; later blocks read them directly. The bars are each block’s{' '}
            <Term of="depthMass">depth mass</Term>.
          </p>
        </div>
      </div>
      {figure?.kind === 'error' ? (
        <p class="failure" role="alert">
          <strong>The figure’s model does not run here.</strong> {figure.message}
        </p>
      ) : (
        <figcaption>
          <p class="prompt-line" aria-hidden="true">
            {Array.from(maps?.tokens ?? [], (token, i) => (
              <span key={i} class={i === position ? 'is-read' : i < position ? 'is-before' : undefined}>
                {token}
              </span>
            ))}
          </p>
          <p class="says" data-reads-slots={shares !== null && block > 0}>
            {shares === null ? 'Starting the model…' : sentence(block, maps!.tokens[position], shares[block])}
          </p>
          <div class="row">
            <button type="button" aria-pressed={!isPlaying} onClick={() => setPlaying(!isPlaying)}>
              {isPlaying ? 'Pause' : 'Play'}
            </button>
            <button
              type="button"
              onClick={() => {
                setPlaying(false);
                next();
              }}
            >
              Next block
            </button>
            {figure !== null && (
              <span class="note">
                Real numbers: a model of {figure.parameters.toLocaleString('en')} parameters learns a chapter of Moby
                Dick in this page, on your processor. Step {figure.step} of {figure.steps}
                {figure.loss !== null && `, ${figure.loss.toFixed(2)} nats per character`}.
              </span>
            )}
          </div>
        </figcaption>
      )}
    </figure>
  );
}
