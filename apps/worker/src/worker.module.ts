import { Module } from '@nestjs/common'
import { AdmissionModule } from '#libs/admission'
import { ConfigModule } from '#libs/config'
import { DbModule } from '#libs/db'
import { HealthModule } from '#libs/health'
import { LlmModule, llmSettings, PromptsModule } from '#libs/llm'
import { LoggingModule } from '#libs/logging'
import { MetricsModule } from '#libs/metrics'
import { LedgerTransportModule, QueueModule } from '#libs/queue'
import { ResilienceModule } from '#libs/resilience'
import { StorageModule } from '#libs/storage'
import { TasksModule } from '#libs/tasks'
import { TracingModule } from '#libs/tracing'
import { ClockModule } from './clock.module.js'
import { IDENTITY } from './identity.js'
import { WORKER_SETTINGS } from './settings.js'

/** Wiring only: which adapters stand behind the ports. */
@Module({
  imports: [
    ConfigModule.forRoot(WORKER_SETTINGS),
    ClockModule,
    LoggingModule.forRoot(IDENTITY),
    TracingModule.forRoot(IDENTITY),
    MetricsModule.forRoot(IDENTITY),
    HealthModule,
    ResilienceModule,
    DbModule,
    AdmissionModule.forRoot([DbModule], llmSettings.KEY),
    LedgerTransportModule.forRoot([DbModule]),
    TasksModule.forRoot([DbModule, QueueModule, LlmModule, PromptsModule, StorageModule]),
  ],
})
export class WorkerModule {}
