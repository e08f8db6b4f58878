import type { ErrorCode } from '#libs/contracts'

interface TaskErrorOptions {
  /** May the same thing succeed later, unchanged? Decided where the error is born, only read elsewhere. */
  readonly retryable: boolean
  /** How long the other side asked us to wait. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
  /** Facts for a person: never prompts, answers, tokens or secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The one error that Sluice throws on purpose. Its message is for a person and may be sent to the producer. */
export class TaskError extends Error {
  override readonly name = 'TaskError'
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: TaskErrorOptions,
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryable = options.retryable
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details ?? {}
  }

  /** The task itself is wrong: it will never succeed as it is. */
  static invalid(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): TaskError {
    return new TaskError(code, message, { retryable: false, ...(details && { details }) })
  }

  /** A dependency failed: the same task may succeed later. */
  static unavailable(code: ErrorCode, message: string, cause?: unknown): TaskError {
    return new TaskError(code, message, { retryable: true, cause })
  }
}
