import { hash } from 'node:crypto'

/** Lower-case hex. */
export interface Digest {
  readonly sha256: string
  readonly md5: string
}

export interface TextBytes {
  readonly bytes: Uint8Array
  /** One that TextDecoder knows. */
  readonly charset: string
}

/** `text` is null where the bytes are not of the charset, and '' where it holds NUL characters. */
export type TextDigest = Digest & { readonly text: string | null; readonly holdsNul: boolean }

/** The job of a file that was read. */
export function digestText({ bytes, charset }: TextBytes): TextDigest {
  const text = decode(bytes, charset)
  const holdsNul = text?.includes('\0') === true
  return { ...digestBytes(bytes), text: holdsNul ? '' : text, holdsNul }
}

/** The job of an answer that is to be written. */
export function digestBytes(bytes: Uint8Array): Digest {
  return { sha256: hash('sha256', bytes, 'hex'), md5: hash('md5', bytes, 'hex') }
}

function decode(bytes: Uint8Array, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
