import { Inject, Injectable } from '@nestjs/common'
import { S3Calls } from '../s3/s3-calls.js'
import { findObject } from '../s3/find-object.js'
import { StorageMeter } from '../storage.meter.js'
import { storageSettings, type StorageSettings } from '../storage.settings.js'

/** Removes objects of answers that no result names, and counts them. */
@Injectable()
export class AnswerRemover {
  constructor(
    private readonly calls: S3Calls,
    private readonly meter: StorageMeter,
    @Inject(storageSettings.KEY) private readonly settings: StorageSettings,
  ) {}

  /** false: there was none. */
  async remove(name: string, signal: AbortSignal): Promise<boolean> {
    const { bucket, answersPrefix } = this.settings
    const key = answersPrefix + name
    const removed = await this.calls.run(
      { operation: 'remove', bucket, key },
      async (client) => {
        if (!(await findObject(client, bucket, key))) return false
        await client.removeObject(bucket, key)
        return true
      },
      signal,
    )
    if (removed) this.meter.countOrphan()
    return removed
  }
}
