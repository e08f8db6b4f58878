import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common'
import { catchError, lastValueFrom, of, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { TaskPipelineInterceptor } from './task-pipeline.interceptor.js'

const execution = {} as ExecutionContext

function makeStep(name: string, log: string[]): NestInterceptor {
  return {
    intercept(_execution: ExecutionContext, next: CallHandler) {
      log.push(`${name} in`)
      return next.handle().pipe(tap(() => log.push(`${name} out`)))
    },
  }
}

function failToHandle(): never {
  throw new Error('the handler was called')
}

describe(TaskPipelineInterceptor.name, () => {
  it('enters its steps from the first to the last and leaves them in the opposite order', async () => {
    const log: string[] = []
    const pipeline = new TaskPipelineInterceptor([makeStep('outer', log), makeStep('inner', log)])

    const result = lastValueFrom(pipeline.intercept(execution, { handle: () => of('done') }))

    await expect(result).resolves.toBe('done')
    expect(log).toEqual(['outer in', 'inner in', 'inner out', 'outer out'])
  })

  it('makes an error that a step throws the error of its observable, so that the steps outside can catch it', async () => {
    const catching: NestInterceptor = { intercept: (_, next) => next.handle().pipe(catchError((error: Error) => of(error.message))) }
    const throwing: NestInterceptor = {
      intercept: () => {
        throw new Error('a defect')
      },
    }
    const pipeline = new TaskPipelineInterceptor([catching, throwing])

    await expect(lastValueFrom(pipeline.intercept(execution, { handle: () => of('done') }))).resolves.toBe('a defect')
  })

  it('does not call the handler when a step answers by itself', async () => {
    const pipeline = new TaskPipelineInterceptor([{ intercept: () => of('answered') }])

    await expect(lastValueFrom(pipeline.intercept(execution, { handle: failToHandle }))).resolves.toBe('answered')
  })
})
