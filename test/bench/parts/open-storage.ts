import { Global, Module } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { register } from 'prom-client'
import { ConfigModule } from '#libs/config'
import { HealthModule } from '#libs/health'
import { Clock, FileStore, SystemClock } from '#libs/kernel'
import { MetricsModule } from '#libs/metrics'
import { cpuSettings, ResilienceModule } from '#libs/resilience'
import { StorageModule, storageSettings } from '#libs/storage'
import { ObjectBucket } from '../../../tools/rig/object.bucket.js'
import type { Stack } from '#tools/stack'

@Global()
@Module({ providers: [{ provide: Clock, useClass: SystemClock }], exports: [Clock] })
class ClockModule {}

export interface OpenStorage extends AsyncDisposable {
  readonly files: FileStore
  readonly bucket: ObjectBucket
}

/** Object storage as a worker has it, with a bucket of its own. */
export async function openStorage({ s3 }: Stack, bucket: string): Promise<OpenStorage> {
  register.clear()
  const objects = new ObjectBucket(s3, bucket)
  await objects.create()
  Object.assign(process.env, { S3_ENDPOINT: s3.endpoint, S3_ACCESS_KEY: s3.accessKey, S3_SECRET_KEY: s3.secretKey, S3_BUCKET: bucket })
  const imports = [
    ConfigModule.forRoot([storageSettings, cpuSettings]),
    ClockModule,
    MetricsModule.forRoot({ service: 'bench', version: '0' }),
    HealthModule,
    ResilienceModule,
    StorageModule,
  ]
  const application = await Test.createTestingModule({ imports }).compile()
  await application.init()
  return { files: application.get(FileStore), bucket: objects, [Symbol.asyncDispose]: () => application.close() }
}
