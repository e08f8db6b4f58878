import { Inject, Injectable } from '@nestjs/common'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { TaskError } from '#libs/kernel'
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
      const says = error instanceof TaskError ? error.message : 'object storage does not answer'
      return { status: 'down', details: { ...place, error: says, last_failure: this.status.lastFailure } }
    }
  }
}
