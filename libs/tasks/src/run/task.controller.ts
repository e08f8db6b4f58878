import { Controller } from '@nestjs/common'
import { Ctx, Payload } from '@nestjs/microservices'
import { LEDGER_TRANSPORT, TASK_PATTERN, TaskContext } from '#libs/kernel'
import { TaskHandler } from '../pipeline/task-handler.decorator.js'
import type { Verdict } from '../pipeline/verdict.js'
import { TaskRunner } from './task.runner.js'

/** Due tasks, from the ledger. */
@Controller()
export class TaskController {
  constructor(private readonly runner: TaskRunner) {}

  @TaskHandler(TASK_PATTERN, LEDGER_TRANSPORT)
  run(@Payload() _task: unknown, @Ctx() context: TaskContext): Promise<Verdict> {
    return this.runner.run(context)
  }
}
