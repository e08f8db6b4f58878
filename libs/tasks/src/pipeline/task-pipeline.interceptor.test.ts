import type { ExecutionContext } from '@nestjs/common'
import { lastValueFrom, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { PipelineContext, PipelineStep } from '#libs/kernel'
import { makeExecution, makeIntakeContext } from '../../../../test/factories/task-context.factory.js'
import { TaskPipelineInterceptor } from './task-pipeline.interceptor.js'

type Step = Pick<PipelineStep, 'around'>

const context = makeIntakeContext()
const execution: ExecutionContext = makeExecution(context)

function makeStep(name: string, log: string[]): Step {
  return {
    async around(given: PipelineContext, next) {
      expect(given).toBe(context)
      log.push(`${name} in`)
      const value = await next()
      log.push(`${name} out`)
      return value
    },
  }
}

const catching: Step = { around: async (_, next) => next().catch((error: Error) => error.message) }

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

  it('does nothing before somebody waits for its result', () => {
    const log: string[] = []
    new TaskPipelineInterceptor([makeStep('outer', log)]).intercept(execution, { handle: failToHandle })
    expect(log).toEqual([])
  })

  it.each([
    ['throws', () => Promise.reject(new Error('a defect'))],
    [
      'throws before its promise',
      () => {
        throw new Error('a defect')
      },
    ],
  ])('shows an error that a step %s to the steps outside', async (_, around) => {
    const outside: Step = {
      async around(_context, next) {
        try {
          return await next()
        } catch (error) {
          return (error as Error).message
        }
      },
    }
    const pipeline = new TaskPipelineInterceptor([outside, { around }])
    await expect(lastValueFrom(pipeline.intercept(execution, { handle: () => of('done') }))).resolves.toBe('a defect')
  })

  it('shows the error of the handler to its steps, and to Nest where none takes it', async () => {
    const handler = { handle: () => throwError(() => new Error('the handler')) }
    await expect(lastValueFrom(new TaskPipelineInterceptor([catching]).intercept(execution, handler))).resolves.toBe('the handler')
    await expect(lastValueFrom(new TaskPipelineInterceptor([]).intercept(execution, handler))).rejects.toThrow('the handler')
  })

  it('does not call the handler when a step answers by itself', async () => {
    const pipeline = new TaskPipelineInterceptor([{ around: () => Promise.resolve('answered') }])
    await expect(lastValueFrom(pipeline.intercept(execution, { handle: failToHandle }))).resolves.toBe('answered')
  })
})
