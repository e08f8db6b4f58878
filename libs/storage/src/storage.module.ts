import { Module } from '@nestjs/common'
import { FileStore } from '#libs/kernel'
import { CpuModule } from '#libs/resilience'
import { AnswerRemover } from './answers/answer.remover.js'
import { AnswerWriter } from './answers/answer.writer.js'
import { BucketKeeper } from './bucket.keeper.js'
import { Digester } from './digest/digester.js'
import { TextFileReader } from './files/text-file.reader.js'
import { MinioFileStore } from './minio-file-store.js'
import { S3Calls } from './s3/s3-calls.js'
import { S3Credentials } from './s3/s3-credentials.js'
import { StorageHealth } from './storage.health.js'
import { StorageMeter } from './storage.meter.js'
import { storageMetrics } from './storage.metrics.js'
import { storageSettings, type StorageSettings } from './storage.settings.js'
import { StorageStatus } from './storage.status.js'

/** FileStore on any S3. Needs ConfigModule with storageSettings and cpuSettings, HealthModule and ResilienceModule. */
@Module({
  imports: [CpuModule],
  providers: [
    ...storageMetrics,
    StorageMeter,
    StorageStatus,
    { provide: S3Credentials, useFactory: (settings: StorageSettings) => new S3Credentials(settings), inject: [storageSettings.KEY] },
    S3Calls,
    Digester,
    TextFileReader,
    AnswerWriter,
    AnswerRemover,
    BucketKeeper,
    StorageHealth,
    { provide: FileStore, useClass: MinioFileStore },
  ],
  exports: [FileStore],
})
export class StorageModule {}
