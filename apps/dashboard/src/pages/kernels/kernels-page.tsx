/** To come. */
export function KernelsPage() {
  return (
    <section>
      <h1>Kernels</h1>
    </section>
  );
}
