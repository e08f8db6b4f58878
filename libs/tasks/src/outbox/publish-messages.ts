import { classifyError, type OutboxMessage, type ResultPublisher } from '#libs/kernel'

export interface PublishReport {
  readonly published: readonly OutboxMessage[]
  /** Those that no retry will bring out as things are, each with the reason. */
  readonly refused: readonly { readonly message: OutboxMessage; readonly error: unknown }[]
  /** Why the others are not out: they may be the next time. */
  readonly failure?: unknown
}

/**
 * Publishes a group of messages. A final refusal is about one of them (it is too large for its topic), so then each is published alone, and
 * its neighbours get through. Never rejects.
 */
export async function publishMessages(publisher: ResultPublisher, messages: readonly OutboxMessage[]): Promise<PublishReport> {
  try {
    await publisher.publish(messages)
    return { published: messages, refused: [] }
  } catch (error) {
    if (classifyError(error).retryable) return { published: [], refused: [], failure: error }
    if (messages.length === 1) return { published: [], refused: [{ message: messages[0]!, error }] }
  }
  const outcomes = await Promise.all(messages.map((message) => publishMessages(publisher, [message])))
  const failures = outcomes.flatMap((outcome) => ('failure' in outcome ? [outcome.failure] : []))
  const published = outcomes.flatMap((outcome) => outcome.published)
  const refused = outcomes.flatMap((outcome) => outcome.refused)
  return { published, refused, ...(failures.length > 0 && { failure: failures[0] }) }
}
