import type { IncomingMessage } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import type { Client } from 'minio'
import { TaskError, type FileRequest, type FileText } from '#libs/kernel'
import type { TextDigest } from '../digest/digest.worker.js'
import { Digester } from '../digest/digester.js'
import { checkSize, readBody } from '../s3/read-body.js'
import { S3Calls } from '../s3/s3-calls.js'
import { S3ResponseError } from '../s3/s3-response.error.js'
import { StorageMeter } from '../storage.meter.js'
import { storageSettings, type StorageSettings } from '../storage.settings.js'
import { chooseCharset, requirePlainText } from './decode-text.js'
import { authorizeRead } from './file-access.policy.js'
import { kindOfMediaType, kindOfName, type MediaKind } from './media-kind.js'

type TextKind = Extract<MediaKind, { kind: 'text' }>

/** More than any magic number or byte order mark takes. */
const HEAD_BYTES = 1_024

const PLAIN_TEXT: TextKind = { kind: 'text', mediaType: 'text/plain', charset: undefined }

/** Reads the text files that tasks name. What can be refused by name alone is refused without a request. */
@Injectable()
export class TextFileReader {
  constructor(
    private readonly calls: S3Calls,
    private readonly meter: StorageMeter,
    private readonly digester: Digester,
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
    const { head, sizeBytes, contentType, declared, digest } = await this.fetch(bucket, request, { expected, signal })
    const kind = expected ?? requireText(kindOfMediaType(contentType), key) ?? PLAIN_TEXT
    this.meter.countBytes('read', sizeBytes)
    const text = requirePlainText({ head, declared, ...digest })
    return { bucket, key, text, sizeBytes, sha256: digest.sha256, mediaType: kind.mediaType }
  }

  private fetch(bucket: string, { key, maxSizeBytes }: FileRequest, { expected, signal }: FetchTerms): Promise<FetchedText> {
    let doubted: string | undefined
    return this.calls.run(
      { operation: 'read', bucket, key },
      async (client) => {
        const body = await readBody((await client.getObject(bucket, key)) as IncomingMessage, maxSizeBytes)
        const declared = (expected ?? textKindOf(body.contentType))?.charset
        const { bytes, md5 } = body
        const facts = { head: Buffer.from(bytes.subarray(0, HEAD_BYTES)), sizeBytes: bytes.length, contentType: body.contentType, declared }
        const digest = await this.digester.digestText({ bytes, charset: chooseCharset(facts.head, declared) }, signal)
        if (md5 === undefined || md5 === digest.md5 || digest.sha256 === doubted) return { ...facts, digest }
        // Some servers give entity tags that only look like an MD5: bytes that come twice the same are not damaged on their way.
        doubted = digest.sha256
        throw TaskError.unavailable('storage_unavailable', 'an object came damaged: its MD5 is not its entity tag')
      },
      signal,
    )
  }
}

interface FetchTerms {
  /** What the file's name or its task says of it; undefined: neither does. */
  readonly expected: TextKind | undefined
  readonly signal: AbortSignal
}

interface FetchedText {
  /** The first bytes, which tell what it is. */
  readonly head: Buffer
  readonly sizeBytes: number
  readonly contentType: string | undefined
  readonly digest: TextDigest
  /** The charset that somebody has named. */
  readonly declared: string | undefined
}

function textKindOf(contentType: string | undefined): TextKind | undefined {
  const kind = kindOfMediaType(contentType)
  return kind?.kind === 'text' ? kind : undefined
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

function requireText(kind: MediaKind | undefined, key: string): TextKind | undefined {
  if (kind?.kind !== 'other') return kind
  throw TaskError.invalid('unsupported_media', `a file cannot be used: it is ${kind.name}, and only plain text is supported yet`, { key })
}
