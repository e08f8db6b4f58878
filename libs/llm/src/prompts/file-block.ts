import { createHash } from 'node:crypto'

const BOUNDARY_CHARS = 16
const NAME_PATTERN = /^[A-Za-z0-9._-]{1,64}$/

/**
 * Puts a text that is not trusted between two marks that it cannot contain, so that it can neither end its own block nor pretend to be
 * what follows. The boundary is a hash of the text, hence the same prompt at every attempt, and is looked for in the text to be sure.
 */
export function makeBlock(name: string, text: string): string {
  const boundary = makeBoundary(text)
  const safeName = NAME_PATTERN.test(name) ? name : 'text'
  return `<file name="${safeName}" boundary="${boundary}">\n${text}\n</file boundary="${boundary}">`
}

function makeBoundary(text: string): string {
  for (let salt = 0; ; salt++) {
    const boundary = createHash('sha256').update(`${salt}\n`).update(text).digest('hex').slice(0, BOUNDARY_CHARS)
    if (!text.includes(boundary)) return boundary
  }
}
