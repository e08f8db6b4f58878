import { DELIVERIES_PATTERN, KAFKA_TRANSPORT, LEDGER_TRANSPORT, type DeliveryBatch, type PipelineContext } from '#libs/kernel'
import { Controller, Injectable, UseInterceptors, type CallHandler, type LoggerService, type NestInterceptor } from '@nestjs/common'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'
import { Test } from '@nestjs/testing'
import { Observable, Subject } from 'rxjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeRecordRange } from '../../testing/make-records.js'
import { KafkaTransport, type DispatchBatch } from './kafka.transport.js'
import { QueueEvents } from './queue.events.js'

const SILENT: LoggerService = { log: () => undefined, warn: () => undefined, error: () => undefined }
const BATCH: DeliveryBatch = { topic: 'tasks', partition: 0, deliveries: makeRecordRange(0, 2) }

let answer: Subject<void>
const handled: unknown[] = []

/** Turns the handler's answer into one that ends when the test says so, as the pipeline's outermost interceptor does after the insert. */
@Injectable()
class UntilStored implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    next.handle().subscribe()
    return answer
  }
}

@Controller()
class DeliveriesController {
  @EventPattern<string>(DELIVERIES_PATTERN, KAFKA_TRANSPORT)
  @UseInterceptors(UntilStored)
  take(@Payload() batch: DeliveryBatch, @Ctx() context: PipelineContext): void {
    handled.push([batch.deliveries.length, context.transport, context.subject])
  }
}

@Controller()
class LedgerController {
  @EventPattern<string>(DELIVERIES_PATTERN, LEDGER_TRANSPORT)
  take(): void {
    handled.push('the wrong transport')
  }
}

function makeTransport({ whenStarted = () => Promise.resolve() }: { whenStarted?: () => Promise<void> } = {}) {
  const intake = { start: vi.fn<() => void>(), stop: vi.fn<() => Promise<void>>(() => Promise.resolve()) }
  const events = new QueueEvents()
  let dispatch!: DispatchBatch
  let refuse!: (cause: Error) => void
  const transport = new KafkaTransport({
    createIntake: (dispatchBatch, onRefused) => {
      dispatch = dispatchBatch
      refuse = onRefused
      return intake
    },
    whenStarted,
    events,
  })
  return { transport, intake, events, dispatch, refuse: (cause: Error) => refuse(cause) }
}

async function startNest(transport: KafkaTransport, controllers = [DeliveriesController, LedgerController]) {
  const module = await Test.createTestingModule({ controllers }).setLogger(SILENT).compile()
  const app = module.createNestMicroservice({ strategy: transport })
  onTestFinished(() => app.close())
  answer = new Subject()
  handled.length = 0
  await app.listen()
  return app
}

describe(KafkaTransport.name, () => {
  it('resolves a batch only when the Observable of its handler has ended', async () => {
    const { transport, dispatch } = makeTransport()
    await startNest(transport)
    const stored = vi.fn<() => void>()
    const dispatched = dispatch(BATCH, new AbortController().signal).then(stored)
    await new Promise((resolve) => setImmediate(resolve))
    expect(handled).toEqual([[3, 'kafka', { topic: 'tasks', partition: 0 }]])
    answer.next()
    await new Promise((resolve) => setImmediate(resolve))
    expect(stored).not.toHaveBeenCalled()
    answer.complete()
    await dispatched
    expect(stored).toHaveBeenCalledTimes(1)
  })

  it('rejects a batch when the Observable of its handler fails', async () => {
    const { transport, dispatch } = makeTransport()
    await startNest(transport)
    const dispatched = dispatch(BATCH, new AbortController().signal)
    setImmediate(() => answer.error(new Error('the insert has failed')))
    await expect(dispatched).rejects.toBeDefined()
  })

  it('refuses to start without a handler, and consumes nothing', async () => {
    const { transport, intake } = makeTransport()
    await expect(startNest(transport, [LedgerController])).rejects.toThrow(/no handler for the pattern "deliveries"/)
    expect(intake.start).not.toHaveBeenCalled()
  })

  it('fails the start of the application when the start is refused', async () => {
    const { transport, intake, refuse } = makeTransport({ whenStarted: () => new Promise(() => undefined) })
    intake.start.mockImplementation(() => refuse(new Error('KAFKA_START_FROM')))
    await expect(startNest(transport)).rejects.toThrow('KAFKA_START_FROM')
  })

  it('announces a refusal that comes later as fatal', async () => {
    const { transport, events, refuse } = makeTransport()
    const fatal = vi.fn<(error: Error) => void>()
    events.on('fatal', fatal)
    await startNest(transport)
    refuse(new Error('KAFKA_START_FROM'))
    expect(fatal).toHaveBeenCalledTimes(1)
  })

  it('stops its intake when the application closes', async () => {
    const { transport, intake } = makeTransport()
    const app = await startNest(transport)
    await app.close()
    expect(intake.stop).toHaveBeenCalledTimes(1)
  })

  it('has neither events nor a client to give away', () => {
    const { transport } = makeTransport()
    expect(() => transport.on()).toThrow(/QueueEvents/)
    expect(() => transport.unwrap()).toThrow(/client/)
  })
})
