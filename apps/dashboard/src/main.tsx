import { render } from 'preact';
import { App } from './shell/app.tsx';
import './shell/theme.css';
import { makeLanguageUsable } from './shell/usable-language.ts';

// Before the first page, and with it uPlot, is loaded.
makeLanguageUsable(navigator);
render(<App />, document.getElementById('app')!);
