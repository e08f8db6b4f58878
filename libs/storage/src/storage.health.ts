import { Inject, Injectable } from '@nestjs/common'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { describeCauses, TaskError } from '#libs/kernel'
import { BucketKeeper } from './bucket.keeper.js'
import { storageSettings, type StorageSettings } from './storage.settings.js'
import { StorageStatus } from './storage.status.js'

/** Not critical: only tasks with files or large answers need the store, and they wait for it. */
@Injectable()
export class StorageHealth extends HealthContributor {
  readonly name = 's3'
  readonly critical = false

  constructor(
    registry: HealthRegistry,
    private readonly bucket: BucketKeeper,
    private readonly status: StorageStatus,
    @Inject(storageSettings.KEY) private readonly settings: StorageSettings,
  ) {
    super()
    registry.register(this)
  }

  override async check(signal: AbortSignal): Promise<HealthReport> {
    const place = { endpoint: this.settings.endpoint.origin, bucket: this.settings.bucket }
    try {
      await this.bucket.ensure(signal)
      return { status: 'up', details: place }
    } catch (error) {
      return { status: 'down', details: { ...place, ...describe(error), last_failure: this.status.lastFailure } }
    }
  }
}

/** Anything but a TaskError is the end of the time that the check had. */
function describe(error: unknown): { error: string; causes?: readonly string[] } {
  if (!(error instanceof TaskError)) return { error: 'object storage does not answer' }
  return { error: error.message, causes: describeCauses(error.cause) }
}
