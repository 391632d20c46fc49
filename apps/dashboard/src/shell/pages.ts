import type { ComponentType } from 'preact';

/** A page of the dashboard; its code loads when it is first shown. */
export interface Page {
  /** Path in the address's hash: `#/runs` shows the page of path `runs`. */
  readonly path: string;
  readonly title: string;
  readonly load: () => Promise<ComponentType>;
}

/** Every page, in the order of the navigation. The first is shown when the address names none. */
export const PAGES: readonly Page[] = [
  { path: 'home', title: 'What is MoDA?', load: async () => (await import('../pages/home/home-page.tsx')).HomePage },
  {
    path: 'kernels',
    title: 'Kernels',
    load: async () => (await import('../pages/kernels/kernels-page.tsx')).KernelsPage,
  },
  { path: 'runs', title: 'Runs', load: async () => (await import('../pages/runs/runs-page.tsx')).RunsPage },
  {
    path: 'evaluation',
    title: 'Evaluation',
    load: async () => (await import('../pages/evaluation/evaluation-page.tsx')).EvaluationPage,
  },
  {
    path: 'attention',
    title: 'Depth attention',
    load: async () => (await import('../pages/attention/attention-page.tsx')).AttentionPage,
  },
  { path: 'train', title: 'Train', load: async () => (await import('../pages/train/train-page.tsx')).TrainPage },
];

/** The page that a hash such as `#/runs?of=tiny` names; the first page when it names none. */
export function pageOf(hash: string): Page {
  const path = /^#\/?([^/?]*)/.exec(hash)?.[1];
  return PAGES.find((page) => page.path === path) ?? PAGES[0];
}
