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
 * As what the bytes are to be decoded. A byte order mark wins over a declared charset, and UTF-8 is taken where neither is there: nothing is
 * guessed, since a wrong guess would be paid for as a prompt.
 */
export function chooseCharset(head: Buffer, declared: string | undefined): string {
  return charsetOfMark(head) ?? (declared !== undefined && CHARSETS.has(declared) ? declared : UTF_8)
}

/** What a file is, and what its bytes are when they are decoded; null: they are not of that charset. */
export interface DecodedFile {
  /** The first bytes. */
  readonly head: Buffer
  readonly declared: string | undefined
  readonly text: string | null
  readonly holdsNul: boolean
}

/** The text of a file. Throws `unsupported_media` with what to do. */
export function requirePlainText({ head, declared = UTF_8, text, holdsNul }: DecodedFile): string {
  const magic = kindOfBytes(head)
  if (magic !== undefined) throw refuse(`its contents are ${magic}, not plain text`)
  if (!CHARSETS.has(declared)) throw refuse(`its charset "${declared.slice(0, 40)}" is not supported: save it as UTF-8`)
  if (text === null) throw refuseCharset(charsetOfMark(head) ?? declared)
  if (holdsNul) throw refuse('it holds NUL characters, so it is not plain text')
  return text
}

function refuseCharset(charset: string): TaskError {
  if (charset !== UTF_8) return refuse(`it is not valid ${charset}`)
  return refuse('it is not valid UTF-8: save it as UTF-8, or name its charset in media_type, as in "text/plain; charset=windows-1251"')
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
