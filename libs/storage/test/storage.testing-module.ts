import { Test, type TestingModule } from '@nestjs/testing'
import { register } from 'prom-client'
import { HealthModule } from '#libs/health'
import { Clock, SystemClock } from '#libs/kernel'
import { cpuSettings, ResilienceModule } from '#libs/resilience'
import { StorageModule, storageSettings, type StorageSettings } from '#libs/storage'
import { Global, Module } from '@nestjs/common'

export function makeSettings(endpoint: string, overrides: Partial<StorageSettings> = {}): StorageSettings {
  return {
    ...storageSettings.parse({ S3_ENDPOINT: endpoint, S3_ACCESS_KEY: 'access', S3_SECRET_KEY: 'secret' }),
    idleTimeoutMs: 200,
    totalTimeoutMs: 2_000,
    retry: { attempts: 3, budgetMs: 5_000, initialDelayMs: 1, maxDelayMs: 2 },
    ...overrides,
  }
}

/** The storage module as the application has it, without its background work: call `init` for that. The caller closes it. */
export async function createStorage(settings: StorageSettings): Promise<TestingModule> {
  register.clear()
  @Global()
  @Module({
    providers: [
      { provide: storageSettings.KEY, useValue: settings },
      { provide: Clock, useClass: SystemClock },
      { provide: cpuSettings.KEY, useValue: cpuSettings.parse({}) },
    ],
    exports: [storageSettings.KEY, Clock, cpuSettings.KEY],
  })
  class SettingsModule {}
  const module = await Test.createTestingModule({ imports: [SettingsModule, HealthModule, ResilienceModule, StorageModule] }).compile()
  module.useLogger(false)
  return module
}
