/** A document or, of a long one, a part. */
export interface DocumentPart {
  readonly text: string;
  /** Which input file, and which document of it (line, row; 0 for text files). Documents left out count. */
  readonly file: number;
  readonly document: number;
  readonly isEnd: boolean;
}

/** Where to go on: the next document to read. */
export interface InputPosition {
  readonly file: number;
  readonly document: number;
}

export interface ReadOptions {
  /** Bytes that are not UTF-8. Default `fail`. */
  readonly onInvalid?: 'replace' | 'skip' | 'fail';
  /** The field, or column, of JSON lines and Parquet files that holds the text. Default `text`. */
  readonly textField?: string;
  /** Called for every document that was left out or repaired. */
  readonly onProblem?: (problem: {
    readonly path: string;
    readonly place: string;
    readonly action: 'replaced' | 'skipped';
  }) => void;
  /** Called with bytes of input files as they are read. */
  readonly onRead?: (sizeBytes: number) => void;
  /** Documents before this place are passed over. */
  readonly from?: InputPosition;
}

/** The last place where a text may be cut into parts, 0 for none; `Tokenizer.safeCut` for example. */
export type SafeCut = (text: string) => number;
