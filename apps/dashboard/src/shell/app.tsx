import { PAGES, type Page } from './pages.ts';
import { type PageCode, usePage } from './use-page.ts';

function PageBody({ page, code, again }: { readonly page: Page; readonly code: PageCode; readonly again: () => void }) {
  if (code.phase === 'ready') return <code.View />;
  if (code.phase === 'loading') return <p class="empty">Loading {page.title}…</p>;
  return (
    <p class="empty" role="alert">
      This page could not load: {code.message}.{' '}
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  );
}

/** Header, navigation and the page that the address's hash names. */
export function App() {
  const [page, code, again] = usePage();
  return (
    <>
      <header>
        <a href="#/" class="brand">
          MoDA
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ path, title }) => (
            <a key={path} href={`#/${path}`} aria-current={path === page.path ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <span class="device">{'gpu' in navigator ? 'WebGPU' : 'WebAssembly (this browser has no WebGPU)'}</span>
      </header>
      <main>
        <PageBody page={page} code={code} again={again} />
      </main>
    </>
  );
}
