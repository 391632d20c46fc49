import { PAGE_MODELS, type PageModelSize } from '../../training/page-models.ts';
import type { PageDevice } from '../../training/training-messages.ts';

/** Which model trains, for how long and on what. */
export interface TrainSettings {
  readonly size: PageModelSize;
  readonly steps: number;
  readonly device: PageDevice;
}

const DEVICES: Readonly<Record<PageDevice, string>> = {
  auto: 'WebGPU if there is a GPU',
  webgpu: 'WebGPU',
  cpu: 'WebAssembly',
};

interface TrainSettingsProps {
  readonly settings: TrainSettings;
  readonly onChange: (settings: TrainSettings) => void;
}

/** Fields for the settings of a training. */
export function TrainSettingsFields({ settings, onChange }: TrainSettingsProps) {
  const { size, steps, device } = settings;
  return (
    <>
      <label class="field">
        <span class="field-label">Model</span>
        <select
          value={size}
          onChange={({ currentTarget }) => onChange({ ...settings, size: currentTarget.value as PageModelSize })}
        >
          {Object.entries(PAGE_MODELS).map(([key, { label }]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span class="field-label">Steps</span>
        <input
          type="number"
          min={1}
          max={100_000}
          required
          value={steps}
          onInput={({ currentTarget }) => onChange({ ...settings, steps: currentTarget.valueAsNumber })}
        />
      </label>
      <label class="field">
        <span class="field-label">Device</span>
        <select
          name="device"
          value={device}
          onChange={({ currentTarget }) => onChange({ ...settings, device: currentTarget.value as PageDevice })}
        >
          {Object.entries(DEVICES).map(([key, label]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
