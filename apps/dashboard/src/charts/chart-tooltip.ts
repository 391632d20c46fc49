import type uPlot from 'uplot';
import { valueNear } from './value-near.ts';

/** Lines told at once. */
const MAX_LINES = 6;

interface Near {
  readonly label: string;
  readonly colour: string;
  readonly value: number;
  readonly distance: number;
}

/** What a tooltip says of numbers. */
export interface TooltipTexts {
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
}

/** A box beside the cursor that tells the nearest lines and their values. */
export function tooltipPlugin(texts: TooltipTexts): uPlot.Plugin {
  const box = document.createElement('div');
  box.className = 'chart-tooltip';
  return {
    hooks: {
      init: (plot) => void plot.over.append(box),
      setCursor: (plot) => {
        const { idx, left = -1, top = -1 } = plot.cursor;
        const near = idx === null || idx === undefined || left < 0 || top < 0 ? [] : nearest(plot, idx, top);
        box.hidden = near.length === 0;
        if (near.length === 0) return;
        box.replaceChildren(head(texts.x(plot.posToVal(left, 'x'))), ...near.map((line) => row(line, texts)));
        const isRight = left > plot.over.clientWidth / 2;
        box.style.left = isRight ? '' : `${left + 12}px`;
        box.style.right = isRight ? `${plot.over.clientWidth - left + 12}px` : '';
      },
    },
  };
}

function nearest(plot: uPlot, at: number, top: number): Near[] {
  const lines = plot.series.slice(1).flatMap(({ label, stroke, show }, i) => {
    const value = label === '' || show === false ? null : valueNear(plot.data[i + 1], at);
    if (value === null) return [];
    const colour = typeof stroke === 'function' ? String(stroke(plot, i + 1)) : String(stroke);
    return [{ label: String(label), colour, value, distance: Math.abs(plot.valToPos(value, 'y') - top) }];
  });
  return lines.sort((a, b) => a.distance - b.distance).slice(0, MAX_LINES);
}

function head(text: string): HTMLElement {
  const element = document.createElement('div');
  element.className = 'chart-tooltip-head';
  element.textContent = text;
  return element;
}

function row({ label, colour, value }: Near, texts: TooltipTexts): HTMLElement {
  const element = document.createElement('div');
  const [mark, name, number] = ['i', 'span', 'b'].map((tag) => document.createElement(tag));
  mark.style.background = colour;
  name.textContent = label;
  number.textContent = texts.y(value);
  element.append(mark, name, number);
  return element;
}
