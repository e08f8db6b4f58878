import { applyDecorators, UseInterceptors } from '@nestjs/common'
import { EventPattern } from '@nestjs/microservices'
import { ContextInterceptor } from '#libs/logging'
import { MetricsInterceptor } from '#libs/metrics'
import { TraceInterceptor } from '#libs/tracing'
import { DeadlineInterceptor } from './deadline.interceptor.js'
import { OutcomeInterceptor } from './outcome.interceptor.js'
import { RetryInterceptor } from './retry.interceptor.js'
import { TaskPipelineInterceptor } from './task-pipeline.interceptor.js'

/** What every dispatch goes through, outermost first. One list for both transports; test/architecture holds it to this order. */
export const TASK_PIPELINE = [
  OutcomeInterceptor,
  ContextInterceptor,
  TraceInterceptor,
  MetricsInterceptor,
  DeadlineInterceptor,
  RetryInterceptor,
] as const

/** A handler of one pattern of one transport, inside the task pipeline. */
export function TaskHandler(pattern: string, transport: symbol): MethodDecorator {
  return applyDecorators(EventPattern<string>(pattern, transport), UseInterceptors(TaskPipelineInterceptor))
}
