import { countTokens } from '../token-count.js'

interface CachedPrompt {
  readonly text: string
  readonly expiresAtMs: number
}

/** Enough for the shared beginning of prompts; whole 128k contexts would cost real memory. */
const KEPT_CHARACTERS = 16_384
const KEPT_SESSIONS = 2_000

/** How much of a prompt the provider has seen in the same session within the last 30 s: such tokens are not charged. */
export class PromptCache {
  readonly #prompts = new Map<string, CachedPrompt>()

  /** Cached tokens of this prompt; the prompt takes the place of the session's last one. */
  touch(session: string, text: string, ttlMs: number): number {
    const now = Date.now()
    const last = this.#prompts.get(session)
    this.#prompts.delete(session)
    this.#prompts.set(session, { text: text.slice(0, KEPT_CHARACTERS), expiresAtMs: now + ttlMs })
    if (this.#prompts.size > KEPT_SESSIONS) this.#forgetOldest()
    return last === undefined || last.expiresAtMs <= now ? 0 : countTokens(commonPrefix(last.text, text))
  }

  clear(): void {
    this.#prompts.clear()
  }

  #forgetOldest(): void {
    const oldest = this.#prompts.keys().next()
    if (oldest.done !== true) this.#prompts.delete(oldest.value)
  }
}

function commonPrefix(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  let length = 0
  while (length < end && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}
