/** To come. */
export function EvaluationPage() {
  return (
    <section>
      <h1>Evaluation</h1>
    </section>
  );
}
