import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { SystemClock } from '#libs/kernel'
import { LedgerTransport } from '#libs/queue'
import { describe, expect, it } from 'vitest'
import { FakeLedger } from '../fakes/fake-ledger.js'
import { FakeAdmission } from '../fakes/fake.admission.js'
import { FakeWorkerLease } from '../fakes/fake-worker.lease.js'

@Module({})
class EmptyModule {}

describe('a transport without a handler', () => {
  it('refuses to start, instead of taking tasks that nobody would run', async () => {
    const strategy = new LedgerTransport({
      ledger: new FakeLedger(),
      lease: new FakeWorkerLease(),
      admission: new FakeAdmission(),
      clock: new SystemClock(),
      claimBatch: 1,
      spareTasks: 1,
      inHandBytes: 1_000_000,
      pollIntervalMs: 1_000,
      graceMs: 0,
    })
    const app = await NestFactory.createMicroservice(EmptyModule, { strategy, logger: false, abortOnError: false })
    await expect(app.listen()).rejects.toThrow('no handler is registered for the pattern "task"')
    await app.close()
  })
})
