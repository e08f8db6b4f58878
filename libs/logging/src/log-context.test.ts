import { setImmediate } from 'node:timers/promises'
import type { ExecutionContext } from '@nestjs/common'
import { defer, lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { PipelineContext } from '#libs/kernel'
import { ContextInterceptor, LogContext, type LogFields } from '#libs/logging'
import { describeScope } from './describe-scope.js'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function makePipeline(overrides: Partial<PipelineContext> = {}): PipelineContext {
  const signal = new AbortController().signal
  const subject = { tenant: 'acme', taskId: 't-1', type: 'prompt', run: 1, attempt: 2 }
  return {
    transport: 'ledger',
    subject,
    traceparent: TRACEPARENT,
    correlationId: 'c-1',
    deadlineMs: null,
    signal,
    receivedAtMs: 0,
    ...overrides,
  }
}

/** Without what is in every line. */
function written(context: LogContext): LogFields {
  const { settings_version: settings, ...fields } = JSON.parse(JSON.stringify(describeScope(context.current))) as LogFields
  expect(settings).toBeGreaterThan(0)
  return fields
}

describe(LogContext.name, () => {
  it('gives the fields of the task to everything that runs in its pipeline, through awaits', async () => {
    const context = new LogContext()
    const fields = await context.runPipeline(makePipeline(), async () => {
      await setImmediate()
      return written(context)
    })
    expect(fields).toEqual({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      correlation_id: 'c-1',
      tenant: 'acme',
      task_id: 't-1',
      task_type: 'prompt',
      run: 1,
      attempt: 2,
    })
  })

  it('shows a traceparent that was put in later', () => {
    const context = new LogContext()
    const pipeline = makePipeline({ traceparent: null, correlationId: null, subject: { topic: 'llm.tasks', partition: 3 } })
    context.runPipeline(pipeline, () => {
      expect(written(context)).toEqual({ topic: 'llm.tasks', partition: 3 })
      pipeline.traceparent = TRACEPARENT
      expect(written(context)).toMatchObject({ trace_id: '0af7651916cd43dd8448eb211c80319c' })
    })
  })

  it('adds fields that become known later, which win, only to the work that is running', () => {
    const context = new LogContext()
    context.runPipeline(makePipeline(), () => {
      context.add({ attempt: 3 })
      context.add({ settings_version: 7 })
      expect(written(context)).toMatchObject({ task_id: 't-1', attempt: 3 })
      expect(describeScope(context.current)).toMatchObject({ settings_version: 7 })
    })
    context.add({ attempt: 9 })
    expect(written(context)).toEqual({})
  })

  it('nests', () => {
    const context = new LogContext()
    context.run({ tenant: 'acme' }, () => {
      context.run({ task_id: 't-2' }, () => expect(written(context)).toEqual({ tenant: 'acme', task_id: 't-2' }))
      expect(written(context)).toEqual({ tenant: 'acme' })
    })
  })

  it('keeps tasks that run at the same time apart', async () => {
    const context = new LogContext()
    const work = async (taskId: string) =>
      context.runPipeline(makePipeline({ subject: { taskId } }), async () => {
        await setImmediate()
        return written(context).task_id
      })
    await expect(Promise.all([work('a'), work('b')])).resolves.toEqual(['a', 'b'])
  })
})

describe(ContextInterceptor.name, () => {
  it('calls the rest of the pipeline inside the context of its task', async () => {
    const context = new LogContext()
    const execution = { switchToRpc: () => ({ getContext: () => makePipeline() }) } as unknown as ExecutionContext
    const handle = () => {
      const { task_id: taskId } = written(context)
      return defer(async () => taskId)
    }
    await expect(lastValueFrom(new ContextInterceptor(context).intercept(execution, { handle }))).resolves.toBe('t-1')
  })
})
