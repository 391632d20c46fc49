import { LessonSlot } from '../lesson/lesson-slot.tsx';
import type { DetectedDevice } from './detect-device.ts';
import { PAGES, type Page } from './pages.ts';
import { ThemeToggle } from './theme-toggle.tsx';
import { useDevice } from './use-device.ts';
import { type PageCode, usePage } from './use-page.ts';

function PageBody({ page, code, again }: { readonly page: Page; readonly code: PageCode; readonly again: () => void }) {
  if (code.phase === 'ready') return <code.View />;
  if (code.phase === 'loading')
    return (
      <p class="progress" role="status">
        Loading {page.title}…
      </p>
    );
  return (
    <div class="failure" role="alert">
      <p>
        <strong>This page could not load.</strong> {code.message}
      </p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

const threadsOf = (threads: number): string => (threads === 1 ? 'one thread' : `${threads} threads`);

function DeviceLine({ device }: { readonly device: DetectedDevice | null }) {
  if (device === null) return <span class="device" />;
  const text = device.kind === 'webgpu' ? `WebGPU · ${device.name}` : `WebAssembly · ${threadsOf(device.threads)}`;
  return (
    <span class="device" title={text}>
      {text}
    </span>
  );
}

function Fallback({ device }: { readonly device: DetectedDevice | null }) {
  if (device?.kind !== 'wasm') return null;
  return (
    <p class="fallback" role="note">
      Computing with WebAssembly on {threadsOf(device.threads)}: {device.because}. The numbers are the same, the time is
      longer. {device.cure}
    </p>
  );
}

/** Header, navigation and the page that the address's hash names. */
export function App() {
  const [page, code, again] = usePage();
  const device = useDevice();
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <header>
        <div class="bar">
          <a href="#/" class="brand">
            <svg width="20" height="20" viewBox="0 0 8 8" fill="currentColor" aria-hidden="true">
              <path d="M0 8V4h2v4zm3 0V0h2v8zm3 0V2h2v6z" />
            </svg>
            MoDA
          </a>
          <nav aria-label="Pages">
            {PAGES.map(({ path, title }) => (
              <a key={path} href={`#/${path}`} aria-current={path === page.path ? 'page' : undefined}>
                {title}
              </a>
            ))}
          </nav>
          <DeviceLine device={device} />
          <ThemeToggle />
        </div>
      </header>
      <Fallback device={device} />
      <LessonSlot />
      <main id="main" tabIndex={-1}>
        <PageBody page={page} code={code} again={again} />
      </main>
    </>
  );
}
