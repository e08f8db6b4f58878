import { describeCauses, TaskError } from '#libs/kernel'
import { limitText } from './limit-text.js'

/** An error as a log line shows it. */
export interface DescribedError {
  readonly name: string
  readonly code?: string
  readonly message: string
  readonly retryable?: boolean
  readonly causes?: readonly string[]
  readonly stack?: string
}

/**
 * By an allow-list: drivers hang whole requests, rows and headers on their errors, and those hold prompts, answers and tokens. A stack is
 * shown only for errors that nobody threw on purpose.
 */
export function describeError(thrown: unknown): DescribedError {
  if (!(thrown instanceof Error)) return { name: typeof thrown, message: typeof thrown === 'string' ? limitText(thrown) : '' }
  const code = (thrown as { code?: unknown }).code
  const causes = describeCauses(thrown.cause).map(limitText)
  const isOurs = thrown instanceof TaskError
  return {
    name: thrown.name,
    ...(typeof code === 'string' && { code }),
    message: limitText(thrown.message),
    ...(isOurs && { retryable: thrown.retryable }),
    ...(causes.length > 0 && { causes }),
    ...(!isOurs && thrown.stack !== undefined && { stack: stackWithoutMessage(thrown.stack) }),
  }
}

/** The frames only: the first lines of a stack repeat the message. */
function stackWithoutMessage(stack: string): string {
  const frames = stack.indexOf('\n    at ')
  return frames < 0 ? '' : stack.slice(frames + 1)
}
