import { useEffect, useState } from 'preact/hooks';
import { type DroppedFile, filesOfDrop, filesOfInput } from '../../runs/dropped-run.ts';

/** Not in the types of JSX: the input takes a folder. */
const FOLDER = { webkitdirectory: true };

/** Whether something is dragged over the page; what is dropped anywhere on it is handed on. */
export function useDrop(onFiles: (files: readonly DroppedFile[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent): void => {
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      if (event.dataTransfer) void filesOfDrop(event.dataTransfer).then(onFiles);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }, [onFiles]);
  return isOver;
}

/** Buttons that add files or a folder of runs. */
export function FileButtons({ onFiles }: { readonly onFiles: (files: readonly DroppedFile[]) => void }) {
  const take = (input: HTMLInputElement): void => {
    onFiles(filesOfInput(input.files ?? []));
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
