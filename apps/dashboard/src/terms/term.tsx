import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './term.css';
import { definitionOf, type TermName } from './terms.ts';

interface TermProps {
  readonly of: TermName;
  readonly children: ComponentChildren;
}

/** Distance of the note from the word and from the window's edges, pixels. */
const GAP = 6;

/** A word whose definition shows while the pointer or the keyboard's focus is on it, or after a tap; Escape hides it. */
export function Term({ of, children }: TermProps) {
  const [isOpen, setOpen] = useState(false);
  const word = useRef<HTMLButtonElement>(null);
  const definition = definitionOf(of);
  return (
    <button
      ref={word}
      type="button"
      class="term"
      aria-description={definition}
      onMouseEnter={() => setOpen(true)}
      onMouseLeave={() => setOpen(false)}
      onFocus={() => setOpen(true)}
      onBlur={() => setOpen(false)}
      onClick={() => setOpen(true)}
      onKeyDown={({ key }) => key === 'Escape' && setOpen(false)}
    >
      {children}
      {/* Inside, so that the pointer may move onto it. */}
      {isOpen && <Note definition={definition} word={word.current!} />}
    </button>
  );
}

/** In the top layer, for tables that scroll would cut it. */
function Note({ definition, word }: { readonly definition: string; readonly word: HTMLElement }) {
  const note = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const element = note.current!;
    element.showPopover?.();
    const [at, own] = [word.getBoundingClientRect(), element.getBoundingClientRect()];
    const left = Math.max(GAP, Math.min(at.left, innerWidth - own.width - GAP));
    const fitsBelow = at.bottom + own.height + GAP < innerHeight;
    element.style.left = `${left}px`;
    element.style.top = `${fitsBelow ? at.bottom : Math.max(GAP, at.top - own.height)}px`;
  }, []);
  return (
    <span ref={note} class="term-note" popover="manual" aria-hidden="true">
      {definition}
    </span>
  );
}
