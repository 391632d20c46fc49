import { type AddedFile, chosenFiles } from '../../ui/use-dropped-files.ts';

/** Not in the types of JSX: the input takes a folder. */
const FOLDER = { webkitdirectory: true };

/** Buttons that add files or a folder of runs. */
export function FileButtons({ onFiles }: { readonly onFiles: (files: readonly AddedFile[]) => void }) {
  const take = (input: HTMLInputElement): void => {
    onFiles(chosenFiles(input));
    input.value = '';
  };
  return (
    <div class="file-buttons">
      <label class="button">
        Add files
        <input type="file" accept=".jsonl,.json" multiple onChange={(event) => take(event.currentTarget)} />
      </label>
      <label class="button">
        Add a folder
        <input type="file" {...FOLDER} onChange={(event) => take(event.currentTarget)} />
      </label>
    </div>
  );
}
