import type { ChatMessage } from '#libs/contracts'
import { TaskError } from '#libs/kernel'

/**
 * GigaChat answers 422 unless the only system message is the first one. They are refused rather than merged: moving a text that a person
 * wrote changes what the model does. Lone surrogates become U+FFFD, since they are no UTF-8.
 */
export function checkMessages(messages: readonly ChatMessage[]): ChatMessage[] {
  const misplaced = messages.findIndex(({ role }, index) => role === 'system' && index > 0)
  if (misplaced > 0) {
    throw TaskError.invalid('invalid_message', `messages[${misplaced}].role: system may only be the first message, and only once`)
  }
  return messages.map(({ role, content }) => ({ role, content: content.toWellFormed() }))
}
