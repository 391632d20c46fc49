/** Where ids go: an array that grows. */
export interface IdSink {
  ids: Int32Array;
  length: number;
  grow(by: number): void;
}
