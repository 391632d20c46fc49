import { Term } from '../../terms/term.tsx';

/** One row of keys or values above the other, in brackets. */
function Stacked({ letter }: { readonly letter: string }) {
  return (
    <mrow>
      <mo>[</mo>
      <mtable>
        {['sequence', 'depth'].map((part) => (
          <mtr key={part}>
            <mtd>
              <msub>
                <mi>{letter}</mi>
                <mtext>{part}</mtext>
              </msub>
            </mtd>
          </mtr>
        ))}
      </mtable>
      <mo>]</mo>
    </mrow>
  );
}

/** The operator in a line of mathematics, and its letters in words. */
export function Formula() {
  return (
    <div class="card formula">
      <h2>One softmax over both</h2>
      <math
        display="block"
        aria-label="o equals softmax of q times K transposed over the square root of D, times V; K and V are those of the sequence and of depth together"
      >
        <mi>o</mi>
        <mo>=</mo>
        <mi>softmax</mi>
        <mrow>
          <mo>(</mo>
          <mfrac>
            <mn>1</mn>
            <msqrt>
              <mi>D</mi>
            </msqrt>
          </mfrac>
          <mi>q</mi>
          <msup>
            <Stacked letter="K" />
            <mo>⊤</mo>
          </msup>
          <mo>)</mo>
        </mrow>
        <mspace width="0.2em" />
        <Stacked letter="V" />
      </math>
      <p>
        The query of a head at one of the <Term of="T">T</Term> positions sees the keys of its own block up to that
        position, and the <Term of="S">S</Term> <Term of="slot">slots</Term> that earlier <Term of="block">blocks</Term>{' '}
        wrote at that same position. <Term of="G">G</Term> query heads share each of the <Term of="Hkv">Hkv</Term> heads
        of keys and values; <Term of="D">D</Term> is the width of a head. Because it is one softmax, a head chooses for
        every token whether to look along the text, at earlier blocks, or at neither: in many trained models the weight
        that a head does not use lies on the first token, the <Term of="sink">sink</Term>.
      </p>
    </div>
  );
}
