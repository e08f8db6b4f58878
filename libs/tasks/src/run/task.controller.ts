import { Controller } from '@nestjs/common'
import { LEDGER_TRANSPORT, TASK_PATTERN, type TaskWork } from '#libs/kernel'
import { TaskHandler } from '../pipeline/task-handler.decorator.js'
import { TaskRunner } from './task.runner.js'

/** Due tasks, from the ledger: the handler of a claim gives what each of its tasks is run by. */
@Controller()
export class TaskController {
  constructor(private readonly runner: TaskRunner) {}

  @TaskHandler(TASK_PATTERN, LEDGER_TRANSPORT)
  take(): TaskWork {
    return (context) => this.runner.run(context)
  }
}
