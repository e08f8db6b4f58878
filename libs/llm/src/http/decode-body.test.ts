import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeBody } from './decode-body.js'

const TEXT = Buffer.from('Привет')

function decode(body: Buffer, encoding?: string, maxBytes = 1_000) {
  return decodeBody({ body, headers: encoding === undefined ? {} : { 'content-encoding': encoding } }, maxBytes)
}

describe(decodeBody.name, () => {
  it.each([undefined, '', 'identity'])('gives a body with the encoding %s as it is', (encoding) => {
    expect(decode(TEXT, encoding)).toBe(TEXT)
  })

  it.each([
    ['gzip', zlib.gzipSync(TEXT)],
    ['X-GZIP', zlib.gzipSync(TEXT)],
    ['deflate', zlib.deflateSync(TEXT)],
    ['br', zlib.brotliCompressSync(TEXT)],
  ])('decodes %s', (encoding, body) => {
    expect(decode(body, encoding)).toEqual(TEXT)
  })

  it('stops at the cap when a small body would become a large one', () => {
    const bomb = zlib.gzipSync(Buffer.alloc(50_000_000))
    expect(bomb.length).toBeLessThan(100_000)
    expect(decode(bomb, 'gzip', 1_000_000)).toBe('too_large')
  })

  it.each(['gzip', 'gzip, br', 'zstd'])('says that a body is not decodable as %s', (encoding) => {
    expect(decode(TEXT, encoding)).toBe('undecodable')
  })
})
