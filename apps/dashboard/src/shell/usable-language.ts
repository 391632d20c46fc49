/** What `navigator.language` must be: uPlot hands it to `Intl` as it loads, and a page that does not load says nothing. */
interface SpeaksLanguage {
  readonly language: string;
}

/**
 * Makes `language` one that `Intl` takes: it stays as it is, or becomes `en-US`. A browser started without a locale, as on a
 * server or in a container, says `en-US@posix` or `C`, and `new Intl.NumberFormat('en-US@posix')` throws.
 */
export function makeLanguageUsable(navigator: SpeaksLanguage): void {
  try {
    new Intl.NumberFormat(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
  }
}
