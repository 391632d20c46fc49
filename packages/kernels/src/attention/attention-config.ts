/** Tile of a subgroup-matrix kernel. */
export interface MatrixTile {
  readonly subgroups: number;
  /** Fragments of 16 rows (forward, dq) or keys (dkv) of a subgroup: 1 or 2, a lane for each row or key. */
  readonly fragments: number;
  /** Keys (forward, dq) or packed rows (dkv) of a block: 16, 32 or 64. */
  readonly block: number;
}

/** Which kernels a plan uses; left out, the device and the shapes decide. */
export interface AttentionConfig {
  /**
   * `rows`: one workgroup a query row (or key), any shape on any device;
   * `tile`: register tiles through workgroup memory, any shape on any device;
   * `matrix`: subgroup matrices, f16, D and Dv multiples of 8.
   */
  readonly sequence?: 'rows' | 'tile' | 'matrix';
  /**
   * `rows` as above; `vector`: a run of lanes a position, chunk 1, groups of at most 4 heads, forward and deferred backward;
   * `matrix`: subgroup matrices, f16, chunk 1, groups of at most 32 heads.
   */
  readonly depth?: 'rows' | 'vector' | 'matrix';
  /** Subgroups of a workgroup of the depth kernels; default 1. */
  readonly depthSubgroups?: number;
  /** Write out loops over fragments (default): without, drivers keep fragments in memory; with, software drivers compile for long. */
  readonly unroll?: boolean;
  readonly forward?: MatrixTile;
  readonly dq?: MatrixTile;
  readonly dk?: MatrixTile;
  readonly dv?: MatrixTile;
  readonly dkv?: MatrixTile;
  /** dk and dv in one matrix pass (the default) or in two: one product more, fewer registers each. */
  readonly fuseDkv?: boolean;
}
