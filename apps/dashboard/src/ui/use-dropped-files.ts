import { useEffect, useRef } from 'preact/hooks';

/** A file with its path below what was dropped or chosen. */
export interface AddedFile {
  readonly path: string;
  readonly file: File;
}

/** Calls back with files dropped anywhere on the page; folders are read to the bottom. */
export function useDroppedFiles(onFiles: (files: readonly AddedFile[]) => void): void {
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const mark = (isOver: boolean): void => {
      document.body.classList.toggle('drop-target', isOver);
    };
    const allow = (event: DragEvent): void => {
      event.preventDefault();
      mark(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) mark(false);
    };
    const take = (event: DragEvent): void => {
      event.preventDefault();
      mark(false);
      void filesOf(event.dataTransfer).then((files) => files.length > 0 && latest.current(files));
    };
    window.addEventListener('dragover', allow);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', take);
    return () => {
      mark(false);
      window.removeEventListener('dragover', allow);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', take);
    };
  }, []);
}

/** Files of an `<input type="file">`, those of a chosen folder with their paths. */
export function chosenFiles(input: HTMLInputElement): AddedFile[] {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function filesOf(transfer: DataTransfer | null): Promise<AddedFile[]> {
  if (transfer === null) return [];
  // Entries must be taken before the first await: the transfer is emptied when the event ends.
  const entries = [...transfer.items].flatMap((item) => {
    const entry = item.webkitGetAsEntry();
    return entry ? [entry] : [];
  });
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map((entry) => filesUnder(entry)))).flat();
}

async function filesUnder(entry: FileSystemEntry): Promise<AddedFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ''), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: AddedFile[] = [];
  // A reader gives at most a hundred entries at a time, and none when it has given all.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    found.push(...(await Promise.all(entries.map((inner) => filesUnder(inner)))).flat());
  }
}
