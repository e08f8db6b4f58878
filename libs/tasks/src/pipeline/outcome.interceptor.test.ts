import { lastValueFrom, of, throwError, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { TaskError, type PipelineContext } from '#libs/kernel'
import { makeExecution, makeIntakeContext, makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { FakeClock } from '../../../../test/fakes/fake.clock.js'
import { FakeTracer } from '../../../../test/fakes/fake.tracer.js'
import { MessageParser } from '../intake/message-parser.js'
import { TaskEvents } from '../metrics/task.events.js'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import { OutcomeStore } from '../run/outcome.store.js'
import { OutcomeInterceptor } from './outcome.interceptor.js'
import type { Verdict } from './verdict.js'

const DEFERRED: Verdict = {
  outcome: 'deferred',
  code: 'llm_timeout',
  delayMs: 5,
  reason: 'llm_timeout',
  deferralClass: 'internal',
  countsAttempt: true,
}

function makeInterceptor() {
  const parser = new MessageParser({ maxMessageBytes: 4_096 })
  const ledger = new FakeLedger()
  const store = new OutcomeStore(ledger, new OutboxRelay(ledger, new FakeResultPublisher()), parser, new FakeClock())
  const intercept = (context: PipelineContext, result: Observable<unknown>): Promise<unknown> =>
    lastValueFrom(
      new OutcomeInterceptor(store, new FakeTracer(), new TaskEvents()).intercept(makeExecution(context), { handle: () => result }),
    )
  return { ledger, intercept }
}

describe(OutcomeInterceptor.name, () => {
  it('stores the verdict, after the stream has been released, and answers with what was stored', async () => {
    const { ledger, intercept } = makeInterceptor()
    const { context, streams } = makeTaskContext()
    let inUse: number | undefined
    ledger.defer.mockImplementation(() => {
      inUse = streams.inUse
      return Promise.resolve('done')
    })
    await expect(intercept(context, of(DEFERRED))).resolves.toEqual({ outcome: 'deferred', code: 'llm_timeout' })
    expect(inUse).toBe(0)
    expect(streams.released).toBe(1)
  })

  it.each([
    ['a TaskError', TaskError.invalid('lease_lost', 'x'), 'lease_lost'],
    ['an unknown error', new Error('x'), 'internal'],
  ])('makes a failure of %s that nobody inside has judged', async (_, thrown, code) => {
    const { ledger, intercept } = makeInterceptor()
    ledger.finish.mockResolvedValue({ kind: 'finished', outbox: [] })
    const { context, streams } = makeTaskContext()
    await expect(
      intercept(
        context,
        throwError(() => thrown),
      ),
    ).resolves.toEqual({ outcome: 'failed', code })
    expect(ledger.finish.mock.calls[0]![0]).toMatchObject({ outcome: 'failed', error: { code } })
    expect(streams.inUse).toBe(0)
  })

  it('rejects only when the outcome could not be stored, with the stream released', async () => {
    const { ledger, intercept } = makeInterceptor()
    ledger.defer.mockRejectedValue(TaskError.unavailable('ledger_unavailable', 'PostgreSQL is away'))
    const { context, streams } = makeTaskContext()
    await expect(intercept(context, of(DEFERRED))).rejects.toThrow('PostgreSQL is away')
    expect(streams.inUse).toBe(0)
  })

  it('lets deliveries pass, with their errors', async () => {
    const { intercept } = makeInterceptor()
    await expect(intercept(makeIntakeContext(), of('stored'))).resolves.toBe('stored')
    const away = throwError(() => new Error('away'))
    await expect(intercept(makeIntakeContext(), away)).rejects.toThrow('away')
  })
})
