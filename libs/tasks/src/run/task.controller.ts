import { Controller } from '@nestjs/common'
import { Ctx } from '@nestjs/microservices'
import { LEDGER_TRANSPORT, TASK_PATTERN, TaskContext } from '#libs/kernel'
import { TaskHandler } from '../pipeline/task-handler.decorator.js'
import type { Verdict } from '../pipeline/verdict.js'
import { TaskRunner } from './task.runner.js'

/** Due tasks, from the ledger. The context has the task: Nest resolves each parameter of a handler by promises of its own. */
@Controller()
export class TaskController {
  constructor(private readonly runner: TaskRunner) {}

  @TaskHandler(TASK_PATTERN, LEDGER_TRANSPORT)
  run(@Ctx() context: TaskContext): Promise<Verdict> {
    return this.runner.run(context)
  }
}
