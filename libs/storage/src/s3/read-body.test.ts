import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readBody } from './read-body.js'

function makeResponse(body: string, headers: IncomingMessage['headers'], complete = true): IncomingMessage {
  return Object.assign(Readable.from([Buffer.from(body)]), { headers, complete }) as unknown as IncomingMessage
}

describe(readBody.name, () => {
  it('gives the bytes and what the server says of them', async () => {
    const headers = { 'content-length': '5', 'content-type': 'text/plain', etag: '"5D41402ABC4B2A76B9719D911017C592"' }
    await expect(readBody(makeResponse('hello', headers), 5)).resolves.toEqual({
      bytes: Buffer.from('hello'),
      contentType: 'text/plain',
      md5: '5d41402abc4b2a76b9719d911017c592',
    })
  })

  it.each([
    ['of several parts', { etag: '"5d41402abc4b2a76b9719d911017c592-2"' }],
    ['encrypted', { etag: '"5d41402abc4b2a76b9719d911017c592"', 'x-amz-server-side-encryption': 'aws:kms' }],
    ['without an entity tag', {}],
  ])('knows no MD5 of an object %s', async (_name, headers) => {
    expect((await readBody(makeResponse('hello', headers), 5)).md5).toBeUndefined()
  })

  it('refuses by the announced size before it reads', async () => {
    const response = makeResponse('hello', { 'content-length': '6' }, false)
    await expect(readBody(response, 5)).rejects.toMatchObject({ code: 'file_too_large', details: { size_bytes: 6, max_size_bytes: 5 } })
    expect(response.destroyed).toBe(true)
  })

  it('refuses while it reads where no size was announced, or a wrong one', async () => {
    await expect(readBody(makeResponse('hello!', {}, false), 5)).rejects.toMatchObject({ code: 'file_too_large' })
    await expect(readBody(makeResponse('hello!', { 'content-length': '5' }, false), 5)).rejects.toMatchObject({ code: 'file_too_large' })
  })

  it('does not pass on less than was announced', async () => {
    await expect(readBody(makeResponse('hell', { 'content-length': '5' }), 5)).rejects.toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      message: 'an object came incomplete: 4 of 5 bytes',
    })
  })
})
