import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TaskError } from '#libs/kernel'
import { digestText } from '../digest/digest.worker.js'
import { chooseCharset, requirePlainText } from './decode-text.js'

function decodeText(bytes: Buffer, declared: string | undefined): string {
  return requirePlainText({ head: bytes, declared, ...digestText({ bytes, charset: chooseCharset(bytes, declared) }) })
}

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
const PRIVET_1251 = hex('cf f0 e8 e2 e5 f2')

function refusalOf(bytes: Buffer, charset?: string): TaskError {
  try {
    decodeText(bytes, charset)
  } catch (error) {
    return error as TaskError
  }
  throw new Error('it was decoded')
}

describe(requirePlainText.name, () => {
  it('gives back any text that is UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\0') && !text.startsWith('\ufeff'))
        fc.pre(!/^(%PDF-|PK|GIF8|RIFF|OggS|fLaC|ID3|\{\\rtf)/.test(text))
        expect(decodeText(Buffer.from(text), undefined)).toBe(text)
      }),
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0), undefined, ''],
    ['UTF-8 with a mark', hex('ef bb bf d1 8f'), undefined, 'я'],
    ['UTF-16 with a mark', hex('ff fe 4f 04'), undefined, 'я'],
    ['big-endian UTF-16 with a mark', hex('fe ff 04 4f'), undefined, 'я'],
    ['a mark against a declared charset', hex('ef bb bf d1 8f'), 'windows-1251', 'я'],
    ['declared Windows-1251', PRIVET_1251, 'windows-1251', 'Привет'],
    ['declared KOI8-R', hex('f0 d2 c9 d7 c5 d4'), 'koi8-r', 'Привет'],
    ['declared CP866', hex('8f e0 a8 a2 a5 e2'), 'cp866', 'Привет'],
  ])('reads %s', (_name, bytes, charset, text) => {
    expect(decodeText(bytes, charset)).toBe(text)
  })

  it.each([
    ['Windows-1251 that is not declared', PRIVET_1251, undefined, 'name its charset in media_type'],
    ['UTF-16 without a mark', Buffer.from('text', 'utf16le'), undefined, 'NUL characters'],
    ['half a character', hex('d1'), 'utf-8', 'is not valid UTF-8'],
    ['broken UTF-16', hex('ff fe 00 d8'), undefined, 'is not valid utf-16le'],
    ['a charset that nobody uses', Buffer.from('x'), 'shift_jis', 'charset "shift_jis" is not supported'],
    ['a PDF document named .txt', Buffer.from('%PDF-1.7 text'), undefined, 'a PDF document'],
    ['an office document', Buffer.from('PK\u0003\u0004'), undefined, 'an archive or an office document'],
    ['an image', hex('89 50 4e 47 0d 0a'), undefined, 'an image'],
  ])('refuses %s', (_name, bytes, charset, why) => {
    const error = refusalOf(bytes, charset)
    expect(error).toMatchObject({ code: 'unsupported_media', retryable: false })
    expect(error.message).toContain(why)
  })
})
