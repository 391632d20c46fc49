/** To come. */
export function AttentionPage() {
  return (
    <section>
      <h1>Depth attention</h1>
    </section>
  );
}
