import type { CallHandler, ExecutionContext } from '@nestjs/common'
import { ConfigModule } from '@nestjs/config'
import { Test } from '@nestjs/testing'
import { lastValueFrom, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { PipelineContext } from '#libs/kernel'
import { isTraceParent, TraceInterceptor, Tracer, TracingModule, tracingSettings, type Span, type SpanEnd } from '#libs/tracing'

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function makeContext(traceparent: string | null): PipelineContext {
  const signal = new AbortController().signal
  return { transport: 'ledger', subject: {}, traceparent, correlationId: null, deadlineMs: null, signal, receivedAtMs: 0 }
}

function makeExecution(context: PipelineContext): ExecutionContext {
  return { switchToRpc: () => ({ getContext: () => context }) } as unknown as ExecutionContext
}

const answering = (value: unknown): CallHandler => ({ handle: () => of(value) })

class RecordingTracer extends Tracer {
  readonly records = true
  readonly parents: (string | null)[] = []
  readonly ends: SpanEnd[] = []
  isInside = false

  startDispatch(parent: string | null): Span {
    this.parents.push(parent)
    const run = <T>(work: () => T): T => {
      this.isInside = true
      return work()
    }
    return { traceparent: VALID.replace('b7ad6b7169203331', '1111111111111111'), run, end: (end) => this.ends.push(end) }
  }

  startDelivery(parent: string | null): Span {
    return this.startDispatch(parent)
  }
}

function makeModule() {
  const settings = { isGlobal: true, ignoreEnvFile: true, ignoreEnvVars: true, load: [tracingSettings] }
  return Test.createTestingModule({ imports: [ConfigModule.forRoot(settings), TracingModule.forRoot({ version: '1.2.3' })] }).compile()
}

async function makeInterceptor(): Promise<TraceInterceptor> {
  return (await makeModule()).get(TraceInterceptor)
}

describe(TraceInterceptor.name, () => {
  it('leaves a valid traceparent as it came', async () => {
    const context = makeContext(VALID)
    await expect(lastValueFrom((await makeInterceptor()).intercept(makeExecution(context), answering(7)))).resolves.toBe(7)
    expect(context.traceparent).toBe(VALID)
  })

  it.each([null, 'hostile', `${VALID}'; drop table`])('starts a new trace where the message brings %o', async (traceparent) => {
    const context = makeContext(traceparent)
    await lastValueFrom((await makeInterceptor()).intercept(makeExecution(context), answering(7)))
    expect(isTraceParent(context.traceparent)).toBe(true)
    expect(context.traceparent).not.toContain(traceparent)
  })

  it('passes the place of its span on and ends the span with the work', async () => {
    const tracer = new RecordingTracer()
    const context = makeContext(VALID)
    await lastValueFrom(new TraceInterceptor(tracer).intercept(makeExecution(context), answering(7)))
    expect(tracer.parents).toEqual([VALID])
    expect(context.traceparent).toContain('1111111111111111')
    expect(tracer.isInside).toBe(true)
    expect(tracer.ends).toEqual([{ ok: true, value: 7 }])
  })

  it('ends the span with the error of the work', async () => {
    const tracer = new RecordingTracer()
    const error = new Error('failed')
    const work = new TraceInterceptor(tracer).intercept(makeExecution(makeContext('hostile')), { handle: () => throwError(() => error) })
    await expect(lastValueFrom(work)).rejects.toBe(error)
    expect(tracer.parents).toEqual([null])
    expect(tracer.ends).toEqual([{ ok: false, error }])
  })
})

describe('PassThroughTracer', () => {
  it('has spans whose end does nothing', async () => {
    const tracer = (await makeModule()).get(Tracer)
    const span = tracer.startDispatch(VALID, makeContext(VALID))
    expect(span.end({ ok: true })).toBeUndefined()
    expect(span.traceparent).toBe(VALID)
  })
})
