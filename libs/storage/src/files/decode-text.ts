import { TaskError } from '#libs/kernel'
import { kindOfBytes } from './magic-bytes.js'

/** By the names that people write; TextDecoder knows more than anybody should send. */
const CHARSETS: ReadonlySet<string> = new Set([
  'utf-8',
  'utf8',
  'us-ascii',
  'ascii',
  'utf-16',
  'utf-16le',
  'utf-16be',
  'windows-1251',
  'cp1251',
  'windows-1252',
  'koi8-r',
  'koi8-u',
  'ibm866',
  'cp866',
  'iso-8859-1',
  'iso-8859-5',
])
const UTF_8 = 'utf-8'

/**
 * The text of a file. A byte order mark wins over a declared charset, and UTF-8 is taken where neither is there: nothing is guessed, since
 * a wrong guess would be paid for as a prompt. Throws `unsupported_media`.
 */
export function decodeText(bytes: Buffer, charset: string | undefined): string {
  const magic = kindOfBytes(bytes)
  if (magic !== undefined) throw refuse(`its contents are ${magic}, not plain text`)
  const declared = charset ?? UTF_8
  if (!CHARSETS.has(declared)) throw refuse(`its charset "${declared.slice(0, 40)}" is not supported: save it as UTF-8`)
  const text = decode(bytes, charsetOfMark(bytes) ?? declared)
  if (text.includes('\0')) throw refuse('it holds NUL characters, so it is not plain text')
  return text
}

function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    throw refuse(
      charset === UTF_8
        ? 'it is not valid UTF-8: save it as UTF-8, or name its charset in media_type, as in "text/plain; charset=windows-1251"'
        : `it is not valid ${charset}`,
    )
  }
}

function charsetOfMark(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return UTF_8
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

function refuse(why: string): TaskError {
  return TaskError.invalid('unsupported_media', `a file cannot be used: ${why}`)
}
