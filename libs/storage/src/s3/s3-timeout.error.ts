/** idle: no byte came or went, or no connection was made. total: the whole request took too long. */
export class S3TimeoutError extends Error {
  override readonly name = 'S3TimeoutError'

  constructor(
    readonly kind: 'idle' | 'total',
    readonly limitMs: number,
  ) {
    super(kind === 'idle' ? `nothing came from the server for ${limitMs} ms` : `the request was not over after ${limitMs} ms`)
  }
}
