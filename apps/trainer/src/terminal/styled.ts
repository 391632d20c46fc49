import { styleText } from 'node:util';

/** Where styled text goes; `process.stdout` and `process.stderr` are ones. */
export interface StyledOutput {
  readonly isTTY?: boolean;
  /** Whether the terminal has colours and `NO_COLOR` does not say otherwise. */
  hasColors?(): boolean;
}

/** Text in a colour where the output is a terminal that has colours, else the text. */
export function styled(output: StyledOutput, style: 'bold' | 'cyan' | 'red' | 'yellow', text: string): string {
  return output.isTTY && output.hasColors?.() ? styleText(style, text) : text;
}
