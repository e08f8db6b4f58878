import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import { defer, type Observable } from 'rxjs'
import { handleOnce, TaskClaim, type PipelineContext, type PipelineStep, type TaskWork } from '#libs/kernel'

/** The interceptors of the task pipeline, outermost first. */
export const TASK_PIPELINE_STEPS = Symbol('steps of the task pipeline')

/**
 * The whole task pipeline as one interceptor. Nest gives every interceptor of a list an async scope, two deferred observables and a merge
 * of its own; for six of them that was a third of all memory that a task took, and more than a tenth of its CPU time. Here the steps call
 * each other directly: same interceptors, same order, and an error that a step throws is a rejection to those outside of it, as Nest has it.
 *
 * A claim goes through Nest once, and each of its tasks through all steps: the handler is asked for what runs one.
 */
@Injectable()
export class TaskPipelineInterceptor implements NestInterceptor {
  constructor(@Inject(TASK_PIPELINE_STEPS) private readonly steps: readonly Pick<PipelineStep, 'around'>[]) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context = execution.switchToRpc().getContext<PipelineContext | TaskClaim>()
    return defer(() => (context instanceof TaskClaim ? this.runClaim(context, next) : this.enter(0, context, () => handleOnce(next))))
  }

  private async runClaim(claim: TaskClaim, next: CallHandler): Promise<void> {
    const work = (await handleOnce(next)) as TaskWork
    await claim.run((context) => this.enter(0, context, () => work(context)))
  }

  private enter(index: number, context: PipelineContext, handle: () => Promise<unknown>): Promise<unknown> {
    const step = this.steps[index]
    return step ? step.around(context, () => this.enter(index + 1, context, handle)) : handle()
  }
}
