import type { Browser, LaunchOptions, Page } from 'playwright-core';

export function launchBrowser(options?: LaunchOptions): Promise<Browser>;
/** A browser of the system, driven by W3C WebDriver. */
export interface DrivenBrowser {
  open(url: string): Promise<void>;
  /** Runs the body of a function in the page and gives what it returns; it reads `args` as `arguments`. */
  run(script: string, ...args: readonly unknown[]): Promise<unknown>;
  /** PNG of what the window shows. */
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Serious and critical problems of accessibility that axe finds, each with where it is. */
export function axeProblems(page: Page): Promise<string[]>;

export function driveBrowser(name: 'firefox' | 'webkit'): Promise<DrivenBrowser>;
export function serveFolder(
  folder: string,
  options?: { readonly isolated?: boolean },
): Promise<{ readonly url: string; close(): Promise<void> }>;
