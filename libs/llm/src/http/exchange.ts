import type { TaskError } from '#libs/kernel'

/** Whom we talk to: for messages. */
export interface Endpoint {
  /** `GigaChat`, `GigaChat's token endpoint`, ... */
  readonly name: string
  /** Where the settings of this endpoint begin: `GIGACHAT`, `OPENAI`. */
  readonly settingsPrefix: string
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Name, value, name, value, ...: flat, so that none is copied. */
  readonly headers: string[]
  readonly body?: string | Buffer
  /** Asked right before the first byte goes out, when a connection stands. Throws why it must not. */
  readonly checkMayWrite?: () => void
}

export interface ExchangeLimits {
  /** From the written request to the first byte of the body: a stream's head may come long before its first word. */
  readonly firstByteTimeoutMs: number
  /** Between two pieces of the body. */
  readonly idleTimeoutMs: number
  /** Everything, the wait for a connection included. */
  readonly callTimeoutMs: number
  readonly maxAnswerBytes: number
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** As it came: still encoded where `content-encoding` says so. */
  readonly body: Buffer
  readonly durationMs: number
  /** Until the first byte of the body. */
  readonly firstByteMs?: number
}

/** not_written: no byte went out. broken: bytes went out and no complete response came; `response` is what had come of one. */
export type ExchangeOutcome =
  | { readonly kind: 'complete'; readonly response: HttpResponse }
  | { readonly kind: 'too_large'; readonly sizeBytes: number }
  | { readonly kind: 'not_written'; readonly error: TaskError }
  | { readonly kind: 'broken'; readonly error: TaskError; readonly response: HttpResponse | undefined }

/** Looks at a response while it comes in. `complete`: all that counts has come, whatever happens to the connection afterwards. */
export interface ResponseObserver {
  /** An error says that this response is not ours; its connection is then closed. */
  start(status: number, headers: Readonly<Record<string, string>>): TaskError | undefined
  data(chunk: Buffer): 'more' | 'complete'
}
