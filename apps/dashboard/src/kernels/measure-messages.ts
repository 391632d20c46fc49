/** What the page asks of a worker that measures kernels. */
export type MeasureRequest<Settings> =
  | { readonly kind: 'start'; readonly settings: Settings }
  | { readonly kind: 'cancel' };

/** What every such worker tells. */
export type MeasureReply =
  | { readonly kind: 'measuring'; readonly what: string }
  | { readonly kind: 'finished'; readonly cancelled: boolean }
  /** The device went away; what was measured stays. */
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string };
