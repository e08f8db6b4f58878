import { Controller, type INestApplication, type Provider } from '@nestjs/common'
import { Server, type CustomTransportStrategy } from '@nestjs/microservices'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import {
  DELIVERIES_PATTERN,
  KAFKA_TRANSPORT,
  LEDGER_TRANSPORT,
  TASK_PATTERN,
  TaskClaim,
  type PipelineStep,
  type TaskWork,
} from '#libs/kernel'
import { TASK_PIPELINE, TaskHandler, TasksModule } from '#libs/tasks'
import { isObservable, lastValueFrom } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { makeIntakeContext, makeTaskContext } from '../factories/task-context.factory.js'
import { TASK_PIPELINE_STEPS } from '../../libs/tasks/src/pipeline/task-pipeline.interceptor.js'

/** A transport that does nothing by itself: the test dispatches. */
class HandTransport extends Server implements CustomTransportStrategy {
  constructor(override readonly transportId: symbol) {
    super()
  }

  get patterns(): string[] {
    return [...this.messageHandlers.keys()]
  }

  async dispatch(pattern: string, context: unknown): Promise<void> {
    const result: unknown = await this.getHandlerByPattern(pattern)!(context, context)
    if (isObservable(result)) await lastValueFrom(result)
  }

  override listen(callback: () => void): void {
    callback()
  }

  override close(): void {}

  override on(): never {
    throw new Error('not used')
  }

  override unwrap(): never {
    throw new Error('not used')
  }
}

const steps: string[] = []

@Controller()
class DeliveryHandler {
  @TaskHandler(DELIVERIES_PATTERN, KAFKA_TRANSPORT)
  take(): string {
    steps.push('handler of deliveries')
    return 'stored'
  }
}

@Controller()
class TaskHandlerController {
  @TaskHandler(TASK_PATTERN, LEDGER_TRANSPORT)
  take(): TaskWork {
    return async () => steps.push('handler of tasks')
  }
}

function makeRecorder({ name }: { readonly name: string }): Pick<PipelineStep, 'around'> {
  return {
    async around(_context, next) {
      steps.push(`> ${name}`)
      const value = await next()
      steps.push(`< ${name}`)
      return value
    },
  }
}

/** As the tasks module itself puts them together. */
function findSteps(): Provider {
  const found = TasksModule.forRoot([]).providers?.find((provider) => 'provide' in provider && provider.provide === TASK_PIPELINE_STEPS)
  if (!found) throw new Error('the tasks module provides no steps of the pipeline')
  return found
}

async function startApp(): Promise<{ app: INestApplication; kafka: HandTransport; ledger: HandTransport }> {
  const recorders = TASK_PIPELINE.map((interceptor) => ({ provide: interceptor, useValue: makeRecorder(interceptor) }))
  const providers = [...recorders, findSteps()]
  const module = await Test.createTestingModule({ controllers: [DeliveryHandler, TaskHandlerController], providers }).compile()
  const app = module.createNestApplication(new FastifyAdapter())
  const [kafka, ledger] = [new HandTransport(KAFKA_TRANSPORT), new HandTransport(LEDGER_TRANSPORT)]
  for (const strategy of [kafka, ledger]) app.connectMicroservice({ strategy })
  await app.startAllMicroservices()
  return { app, kafka, ledger }
}

const ORDER = [
  'OutcomeInterceptor',
  'ContextInterceptor',
  'TraceInterceptor',
  'MetricsInterceptor',
  'DeadlineInterceptor',
  'RetryInterceptor',
]

describe('TASK_PIPELINE', () => {
  let app: INestApplication | undefined

  afterEach(async () => {
    steps.length = 0
    await app?.close()
  })

  it.each([
    ['deliveries', DELIVERIES_PATTERN, 'handler of deliveries'],
    ['tasks', TASK_PATTERN, 'handler of tasks'],
  ])('wraps every dispatch of %s in this order', async (_, pattern, handler) => {
    const started = await startApp()
    app = started.app
    if (pattern === TASK_PATTERN) await started.ledger.dispatch(pattern, new TaskClaim([makeTaskContext().context], () => {}))
    else await started.kafka.dispatch(pattern, makeIntakeContext())
    expect(steps).toEqual([...ORDER.map((name) => `> ${name}`), handler, ...ORDER.toReversed().map((name) => `< ${name}`)])
  })

  it('gives each transport only its own handlers', async () => {
    const started = await startApp()
    app = started.app
    expect(started.kafka.patterns).toEqual([DELIVERIES_PATTERN])
    expect(started.ledger.patterns).toEqual([TASK_PATTERN])
  })
})
