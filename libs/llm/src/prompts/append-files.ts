import type { ChatMessage } from '#libs/contracts'
import { makeBlock } from './file-block.js'

/** Puts files at the end of the last message of the user, or in one of their own where there is none. */
export function appendFiles(
  messages: readonly ChatMessage[],
  files: readonly { readonly name: string; readonly text: string }[],
): ChatMessage[] {
  if (files.length === 0) return [...messages]
  const blocks = files.map(({ name, text }) => makeBlock(name, text)).join('\n\n')
  const last = messages.findLastIndex(({ role }) => role === 'user')
  if (last < 0) return [...messages, { role: 'user', content: blocks }]
  return messages.map((message, index) => (index === last ? { role: 'user', content: `${message.content}\n\n${blocks}` } : message))
}
