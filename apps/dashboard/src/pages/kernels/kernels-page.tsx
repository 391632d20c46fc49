import { useCallback, useMemo, useState } from 'preact/hooks';
import './kernels.css';
import { runColour } from '../../charts/run-colour.ts';
import { type PagePreset, PRESETS } from '../../kernels/bench-messages.ts';
import { type BenchSource, inOrderOfInterest, shownAtFirst } from '../../kernels/bench-source.ts';
import { useBench } from '../../kernels/bench-store.ts';
import { type TableLine, tableLines } from '../../kernels/bench-table.ts';
import { type BenchView, isBusy } from '../../kernels/bench-view.ts';
import { useAddress } from '../../shell/address.ts';
import { useColorTheme } from '../../shell/color-theme.ts';
import { oneOf } from '../../shell/hash-params.ts';
import { Term } from '../../terms/term.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { type AddedFile, chosenFiles, useDroppedFiles } from '../../ui/use-dropped-files.ts';
import { BenchCharts } from './bench-charts.tsx';
import { BenchForm } from './bench-form.tsx';
import { BenchTable } from './bench-table.tsx';
import { ownResult, useSources } from './use-sources.ts';

const TITLES: Readonly<Record<PagePreset, string>> = {
  matmul: 'Matrix products',
  attention: 'Attention',
  moda: 'MoDA, Table 2',
  ablation: 'Ablation, Table 7',
};

const EXPLANATIONS: Readonly<Record<PagePreset, string>> = {
  matmul: 'The products of transformers, and the ladder of kernels that leads to them.',
  attention: 'Causal attention without depth, forward and backward, as the sequence grows.',
  moda: 'Mixture-of-Depths Attention in the shapes of the paper’s Table 2, and the time it takes beyond attention.',
  ablation: 'The four steps from naive to shipped of the paper’s Table 7, over the same operands.',
};

/** More columns than this do not fit; who wants others chooses them. */
const SHOWN_AT_FIRST = 2;

/** What the shown files say of themselves. */
function Notes({ sources }: { readonly sources: readonly BenchSource[] }) {
  const noted = sources.filter(({ result }) => result.note !== undefined);
  if (noted.length === 0) return null;
  return (
    <details class="note bench-notes">
      <summary>About these measurements</summary>
      {noted.map(({ id, label, result }) => (
        <p key={id}>
          <strong>{label}</strong>, {result.date.slice(0, 10)}
          {result.commit !== undefined && `, commit ${result.commit.slice(0, 9)}`}: {result.note}
        </p>
      ))}
    </details>
  );
}

/** Which benchmarks the page shows. */
function PresetTabs({ preset, onChoose }: { readonly preset: PagePreset; onChoose(preset: PagePreset): void }) {
  return (
    <div class="tabs" role="tablist" aria-label="Benchmarks">
      {PRESETS.map((name) => (
        <button key={name} type="button" role="tab" aria-selected={name === preset} onClick={() => onChoose(name)}>
          {TITLES[name]}
        </button>
      ))}
    </div>
  );
}

interface SourceButtonProps {
  readonly source: BenchSource;
  readonly colour: string;
  readonly isShown: boolean;
  onPress(): void;
}

/** Shows or hides a result. */
function SourceButton({ source: { label, origin }, colour, isShown, onPress }: SourceButtonProps) {
  return (
    <button type="button" title={origin} aria-pressed={isShown} onClick={onPress}>
      <span class="bench-mark" style={{ background: colour }} />
      {label}
    </button>
  );
}

/** How to read the figures. */
function ReadingNote() {
  return (
    <p class="note">
      Times are medians. “Depth” is the share of the time that depth adds, (MoDA − attention) / MoDA. The bar is the
      share of what this machine can do, by its own copy and its own best product. Compare times only at the same sizes;
      the paper’s are of an A100, arXiv 2603.15619. “Tensor cores” are kernels on{' '}
      <Term of="subgroupMatrix">subgroup matrices</Term>, in Node; “as in a browser” has the{' '}
      <Term of="robustness">bounds checks</Term> that browsers add. In a row <Term of="T">T</Term> are positions,{' '}
      <Term of="H">H</Term> query heads, <Term of="Hkv">Hkv</Term> heads of keys and values, <Term of="D">D</Term> their
      width, <Term of="S">S</Term> <Term of="slot">slots</Term>; <Term of="G">G</Term> is H / Hkv. Software adapters are
      measured like others, and say nothing of speed.
    </p>
  );
}

/** A result to add, and the visitor's own to keep. */
function ResultFiles({
  view,
  add,
}: {
  readonly view: BenchView;
  readonly add: (files: readonly AddedFile[]) => Promise<void>;
}) {
  return (
    <span class="bench-files">
      <label class="button">
        Add a result
        <input
          type="file"
          accept=".json,application/json"
          multiple
          onChange={({ currentTarget }) => {
            void add(chosenFiles(currentTarget));
            currentTarget.value = '';
          }}
        />
      </label>
      <button
        type="button"
        disabled={view.rows.length === 0}
        onClick={() => saveFile(`${JSON.stringify(ownResult(view), null, 2)}\n`, 'moda-bench.json', 'application/json')}
      >
        Download mine
      </button>
    </span>
  );
}

/** Whether a line has a time, or a failure of this device. */
function hasNews({ cells }: TableLine, sources: readonly BenchSource[]): boolean {
  return sources.some(({ id, isOwn }) => {
    const row = cells.get(id);
    return row !== undefined && (isOwn || row.total !== null);
  });
}

/** Rows that stored results did not measure, and why. */
function StoredFailures({
  sources,
  preset,
}: {
  readonly sources: readonly BenchSource[];
  readonly preset: PagePreset;
}) {
  const failed = sources
    .filter(({ isOwn }) => !isOwn)
    .flatMap(({ label, rows }) =>
      rows.filter((row) => row.preset === preset && row.total === null).map((row) => ({ label, row })),
    );
  if (failed.length === 0) return null;
  return (
    <details class="note bench-notes">
      <summary>
        {failed.length} {failed.length === 1 ? 'row' : 'rows'} that stored results did not measure
      </summary>
      {failed.map(({ label, row }) => (
        <p key={`${label} ${row.id}`}>
          <strong>{row.name}</strong>, {label}: {row.status}. {row.reason}
        </p>
      ))}
    </details>
  );
}

/** Kernels measured on the visitor's device, beside stored results and the paper. */
export function KernelsPage() {
  const view = useBench();
  const theme = useColorTheme();
  const [preset, setPreset] = useAddress<PagePreset>('benchmark', view.settings?.preset ?? 'moda', oneOf(PRESETS));
  const { sources, isLoading, failures, add } = useSources(view);
  const [chosen, setChosen] = useState<Readonly<Record<string, boolean>>>({});
  useDroppedFiles((files) => void add(files));
  const colourOf = useCallback((i: number) => runColour(i, theme), [theme]);
  const offered = useMemo(() => inOrderOfInterest(sources, preset), [sources, preset]);
  const shown = useMemo(() => {
    const first = shownAtFirst(offered, SHOWN_AT_FIRST);
    return offered.filter((source) => chosen[source.id] ?? (source.isOwn || first.includes(source)));
  }, [offered, chosen]);
  const planned = isBusy(view) && view.settings?.preset === preset ? view.planned : [];
  const lines = useMemo(() => tableLines(preset, shown, planned), [preset, shown, planned]);
  // What stored results failed to measure stands below, closed: it says nothing of this device.
  const told = useMemo(() => lines.filter((line) => line.isPending || hasNews(line, shown)), [lines, shown]);
  return (
    <section>
      <h1>Kernels</h1>
      <p>{EXPLANATIONS[preset]}</p>
      <PresetTabs preset={preset} onChoose={setPreset} />
      <BenchForm view={view} preset={preset} />
      {failures.map((message) => (
        <div key={message} class="failure" role="alert">
          <strong>Not added.</strong> {message}
        </div>
      ))}
      <div class="bench-sources">
        {offered.map((source) => (
          <SourceButton
            key={source.id}
            source={source}
            colour={colourOf(source.colour)}
            isShown={shown.includes(source)}
            onPress={() => setChosen((before) => ({ ...before, [source.id]: !shown.includes(source) }))}
          />
        ))}
        {(preset === 'moda' || preset === 'attention') && (
          <span class="bench-paper">
            <i />
            the paper, A100
          </span>
        )}
        <ResultFiles view={view} add={add} />
      </div>
      {isLoading && (
        <p class="progress" role="status">
          Loading stored results…
        </p>
      )}
      <BenchCharts preset={preset} sources={shown} colourOf={colourOf} />
      {told.length > 0 && <BenchTable title={TITLES[preset]} lines={told} sources={shown} colourOf={colourOf} />}
      <StoredFailures sources={shown} preset={preset} />
      {!isLoading && lines.length === 0 && <p class="empty">Nothing stored for this yet: measure it on your device.</p>}
      <Notes sources={shown} />
      <ReadingNote />
    </section>
  );
}
