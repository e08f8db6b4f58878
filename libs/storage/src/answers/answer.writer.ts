import { Inject, Injectable } from '@nestjs/common'
import type { Client } from 'minio'
import type { ObjectReference } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import { kindOfName } from '../files/media-kind.js'
import { findKeyProblem } from '../object-key.js'
import { findObject } from '../s3/find-object.js'
import { S3Calls } from '../s3/s3-calls.js'
import { Digester } from '../digest/digester.js'
import { StorageMeter } from '../storage.meter.js'
import { storageSettings, type StorageSettings } from '../storage.settings.js'

const SHA256_METADATA = 'sha256'
const PLAIN_TEXT = 'text/plain'

/**
 * Writes answers. The key depends only on the name, so writing again replaces the object by the same bytes; after a try whose answer was
 * lost the object is looked at first, which keeps a versioned bucket from collecting copies.
 */
@Injectable()
export class AnswerWriter {
  constructor(
    private readonly calls: S3Calls,
    private readonly meter: StorageMeter,
    private readonly digester: Digester,
    @Inject(storageSettings.KEY) private readonly settings: StorageSettings,
  ) {}

  async write(name: string, body: Buffer, signal: AbortSignal): Promise<ObjectReference> {
    const key = this.makeKey(name)
    const { sha256, md5 } = await this.digester.digestBytes(body, signal)
    const reference: ObjectReference = { bucket: this.settings.bucket, key, sha256, size: body.length }
    const { bucket } = reference
    await this.calls.run(
      { operation: 'write', bucket, key },
      async (client, attempt) => {
        if (attempt > 1 && (await isStored(client, reference))) return
        const { etag } = await client.putObject(bucket, key, body, body.length, makeMetadata(reference))
        if (etag === md5 || (await isStored(client, reference))) return
        throw TaskError.unavailable('storage_unavailable', `${bucket}/${key}: object storage holds something else than what was written`)
      },
      signal,
    )
    this.meter.countBytes('written', body.length)
    return reference
  }

  private makeKey(name: string): string {
    const key = this.settings.answersPrefix + name
    const problem = name === '' ? 'is empty' : findKeyProblem(key)
    if (problem !== undefined) throw TaskError.invalid('internal', `the name of an answer ${problem}`, { key })
    return key
  }
}

function makeMetadata({ key, sha256 }: ObjectReference): Record<string, string> {
  const kind = kindOfName(key)
  const mediaType = kind?.kind === 'text' ? kind.mediaType : PLAIN_TEXT
  return { 'Content-Type': `${mediaType}; charset=utf-8`, [SHA256_METADATA]: sha256 }
}

async function isStored(client: Client, { bucket, key, sha256, size }: ObjectReference): Promise<boolean> {
  const found = await findObject(client, bucket, key)
  return found?.size === size && (found.metaData as Record<string, unknown>)[SHA256_METADATA] === sha256
}
