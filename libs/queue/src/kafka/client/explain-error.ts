const MAX_DEPTH = 8

/**
 * The library wraps errors in errors, most often as `errors` of an AggregateError whose own message says nothing ("Listing topics
 * failed."). Makes one error whose message names every level, down to the refused connection or the expired certificate.
 */
export function explainError(error: unknown): Error {
  const messages: string[] = []
  for (let current = error, depth = 0; current instanceof Error && depth < MAX_DEPTH; depth++) {
    const message = current.message.trim().replace(/\.$/, '')
    if (message !== '' && !messages.includes(message)) messages.push(message)
    current = current instanceof AggregateError && current.errors.length > 0 ? (current.errors[0] as unknown) : current.cause
  }
  return new Error(messages.join(': ') || 'the Kafka client has failed', { cause: error })
}

/** Rejects with an error that says what is wrong. */
export async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw explainError(error)
  }
}
