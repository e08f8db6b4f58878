import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import type { Client } from 'minio'
import { TaskError, type FileRequest, type FileText } from '#libs/kernel'
import { checkSize, readBody, type ObjectBody } from '../s3/read-body.js'
import { S3Calls } from '../s3/s3-calls.js'
import { S3ResponseError } from '../s3/s3-response.error.js'
import { StorageMeter } from '../storage.meter.js'
import { storageSettings, type StorageSettings } from '../storage.settings.js'
import { decodeText } from './decode-text.js'
import { authorizeRead } from './file-access.policy.js'
import { kindOfMediaType, kindOfName, type MediaKind } from './media-kind.js'

type TextKind = Extract<MediaKind, { kind: 'text' }>

const PLAIN_TEXT: TextKind = { kind: 'text', mediaType: 'text/plain', charset: undefined }

/** Reads the text files that tasks name. What can be refused by name alone is refused without a request. */
@Injectable()
export class TextFileReader {
  constructor(
    private readonly calls: S3Calls,
    private readonly meter: StorageMeter,
    @Inject(storageSettings.KEY) private readonly settings: StorageSettings,
  ) {}

  async stat(request: FileRequest, signal: AbortSignal): Promise<number> {
    const bucket = authorizeRead(request, this.settings)
    const { key, mediaType, maxSizeBytes } = request
    requireText(kindOfMediaType(mediaType) ?? kindOfName(key), key)
    const size = await this.calls.run({ operation: 'stat', bucket, key }, (client) => sizeOf(client, bucket, key), signal)
    checkSize(size, maxSizeBytes)
    return size
  }

  async read(request: FileRequest, signal: AbortSignal): Promise<FileText> {
    const bucket = authorizeRead(request, this.settings)
    const { key } = request
    const expected = requireText(kindOfMediaType(request.mediaType) ?? kindOfName(key), key)
    const body = await this.fetch(bucket, request, signal)
    const { mediaType, charset } = expected ?? requireText(kindOfMediaType(body.contentType), key) ?? PLAIN_TEXT
    this.meter.countBytes('read', body.bytes.length)
    const text = decodeText(body.bytes, charset)
    return { bucket, key, text, sizeBytes: body.bytes.length, sha256: body.sha256, mediaType }
  }

  private fetch(bucket: string, { key, maxSizeBytes }: FileRequest, signal: AbortSignal): Promise<ObjectBody> {
    let doubted: string | undefined
    return this.calls.run(
      { operation: 'read', bucket, key },
      async (client) => {
        const body = await readBody((await client.getObject(bucket, key)) as IncomingMessage, maxSizeBytes)
        if (isAsStored(body) || body.sha256 === doubted) return body
        // Some servers give entity tags that only look like an MD5: bytes that come twice the same are not damaged on their way.
        doubted = body.sha256
        throw TaskError.unavailable('storage_unavailable', 'an object came damaged: its MD5 is not its entity tag')
      },
      signal,
    )
  }
}

/** An answer to HEAD has no body: a 404 does not say whether the file is missing, for good, or its bucket. The read will. */
async function sizeOf(client: Client, bucket: string, key: string): Promise<number> {
  try {
    return (await client.statObject(bucket, key)).size
  } catch (error) {
    if (error instanceof S3ResponseError && error.status === 404) return 0
    throw error
  }
}

function isAsStored({ bytes, md5 }: ObjectBody): boolean {
  return md5 === undefined || createHash('md5').update(bytes).digest('hex') === md5
}

function requireText(kind: MediaKind | undefined, key: string): TextKind | undefined {
  if (kind?.kind !== 'other') return kind
  throw TaskError.invalid('unsupported_media', `a file cannot be used: it is ${kind.name}, and only plain text is supported yet`, { key })
}
