import { classifyError, type OutboxMessage, type ResultPublisher } from '#libs/kernel'

export interface PublishReport {
  readonly published: readonly OutboxMessage[]
  /** Why the others are not out. */
  readonly failure?: unknown
}

/**
 * Publishes a group of messages. A final refusal is about one of them (it is too large for its topic), so then each is published alone, and
 * its neighbours get through. Never rejects.
 */
export async function publishMessages(publisher: ResultPublisher, messages: readonly OutboxMessage[]): Promise<PublishReport> {
  try {
    await publisher.publish(messages)
    return { published: messages }
  } catch (error) {
    if (messages.length === 1 || classifyError(error).retryable) return { published: [], failure: error }
  }
  const outcomes = await Promise.all(messages.map((message) => publishMessages(publisher, [message])))
  const failures = outcomes.flatMap((outcome) => ('failure' in outcome ? [outcome.failure] : []))
  return { published: outcomes.flatMap(({ published }) => published), ...(failures.length > 0 && { failure: failures[0] }) }
}
