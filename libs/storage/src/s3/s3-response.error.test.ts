import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readResponseError } from './s3-response.error.js'

function makeResponse(statusCode: number, headers: Record<string, string>, body = ''): IncomingMessage {
  return Object.assign(Readable.from(body === '' ? [] : [Buffer.from(body)]), { statusCode, headers }) as unknown as IncomingMessage
}

const MINUTE_MS = 60_000
const inMinutes = (minutes: number) => ({ date: new Date(Date.now() + minutes * MINUTE_MS).toUTCString() })

describe(readResponseError.name, () => {
  it('takes a 403 without a body for the clocks where they differ too much: it once said that a right was missing', async () => {
    await expect(readResponseError(makeResponse(403, inMinutes(-60)))).resolves.toMatchObject({ code: 'RequestTimeTooSkewed' })
    await expect(readResponseError(makeResponse(403, inMinutes(60)))).resolves.toMatchObject({ code: 'RequestTimeTooSkewed' })
    await expect(readResponseError(makeResponse(403, inMinutes(5)))).resolves.toMatchObject({ code: 'HTTP403' })
    await expect(readResponseError(makeResponse(403, {}))).resolves.toMatchObject({ code: 'HTTP403' })
  })

  it('believes what the server says, whatever its time is', async () => {
    const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>'
    await expect(readResponseError(makeResponse(403, inMinutes(60), body))).resolves.toMatchObject({ code: 'AccessDenied' })
    await expect(readResponseError(makeResponse(404, inMinutes(60)))).resolves.toMatchObject({ code: 'NotFound' })
  })
})
