import type { ComponentType } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Page, pageOf } from './pages.ts';

/** Where the code of the page shown stands. */
export type PageCode =
  | { readonly phase: 'loading' }
  | { readonly phase: 'ready'; readonly View: ComponentType }
  | { readonly phase: 'failed'; readonly message: string };

const LOADING: PageCode = { phase: 'loading' };

/** The page that the address names, its code, and what loads the code again. */
export function usePage(): readonly [Page, PageCode, () => void] {
  const [page, setPage] = useState(pageOf(location.hash));
  const [attempt, setAttempt] = useState(0);
  const [loaded, setLoaded] = useState<{ readonly page: Page; readonly code: PageCode } | null>(null);
  useEffect(() => {
    const follow = (): void => setPage(pageOf(location.hash));
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    document.title = `${page.title} - MoDA dashboard`;
    page
      .load()
      .then((View) => setLoaded({ page, code: { phase: 'ready', View } }))
      .catch((error: Error) => setLoaded({ page, code: { phase: 'failed', message: error.message } }));
  }, [page, attempt]);
  const again = useCallback(() => {
    setLoaded(null);
    setAttempt((before) => before + 1);
  }, []);
  return [page, loaded?.page === page ? loaded.code : LOADING, again];
}
