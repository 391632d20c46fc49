import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import { RunnableCode } from './runnable-code.ts';
import './contrast.css';
import './runnable-code.css';

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => void app.component('RunnableCode', RunnableCode),
} satisfies Theme;
