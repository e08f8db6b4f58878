import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'
import { TaskError } from '#libs/kernel'
import { S3Calls } from './s3/s3-calls.js'
import { S3ResponseError } from './s3/s3-response.error.js'
import { storageSettings, type StorageSettings } from './storage.settings.js'

/**
 * Makes the bucket where it is missing and may be made. Starting does not wait for it: a store that is away delays the tasks that need
 * it, not the process. Every health check looks again.
 */
@Injectable()
export class BucketKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(BucketKeeper.name)
  private readonly stopping = new AbortController()

  constructor(
    private readonly calls: S3Calls,
    @Inject(storageSettings.KEY) private readonly settings: StorageSettings,
  ) {}

  onApplicationBootstrap(): void {
    this.ensure(this.stopping.signal).catch((error: unknown) => {
      if (!this.stopping.signal.aborted) this.logger.warn('the bucket could not be checked', { error })
    })
  }

  onModuleDestroy(): void {
    this.stopping.abort(new Error('shutdown'))
  }

  /** Resolves when the bucket is there. Throws TaskError with what to do. */
  async ensure(signal: AbortSignal): Promise<void> {
    const { bucket, createBucket } = this.settings
    const exists = await this.calls.run({ operation: 'check_bucket', bucket }, (client) => client.bucketExists(bucket), signal)
    if (exists) return
    if (!createBucket) throw missing(bucket)
    await this.make(signal)
    this.logger.log('the bucket was made', { bucket })
  }

  private make(signal: AbortSignal): Promise<void> {
    const { bucket, region } = this.settings
    return this.calls.run(
      { operation: 'make_bucket', bucket },
      async (client) => {
        try {
          await client.makeBucket(bucket, region)
        } catch (error) {
          if (!isMadeMeanwhile(error)) throw error
        }
      },
      signal,
    )
  }
}

/** Another replica was faster. */
function isMadeMeanwhile(error: unknown): boolean {
  return error instanceof S3ResponseError && error.code === 'BucketAlreadyOwnedByYou'
}

function missing(bucket: string): TaskError {
  return TaskError.unavailable(
    'storage_unavailable',
    `bucket ${bucket} does not exist: create it, or allow Sluice to by S3_CREATE_BUCKET=true`,
  )
}
