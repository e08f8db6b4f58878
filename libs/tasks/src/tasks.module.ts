import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common'
import type { PipelineStep } from '#libs/kernel'
import { OrphanSweeper } from './answers/orphan.sweeper.js'
import { FileBudget } from './files/file.budget.js'
import { TaskFilesReader } from './files/task-files.reader.js'
import { DeliveryController } from './intake/delivery.controller.js'
import { IntakeWatch } from './intake/intake.watch.js'
import { MessageParser } from './intake/message-parser.js'
import { TaskIntake } from './intake/task.intake.js'
import { IntakeMeter } from './metrics/intake.meter.js'
import { StepMeter } from './metrics/step.meter.js'
import { TaskEvents } from './metrics/task.events.js'
import { TaskLog } from './metrics/task.log.js'
import { TaskMeter } from './metrics/task.meter.js'
import { taskMetrics } from './metrics/task.metrics.js'
import { OutputModule } from './output/output.module.js'
import { OutboxRelay } from './outbox/outbox.relay.js'
import { OutboxSweeper } from './outbox/outbox.sweeper.js'
import { DeadlineInterceptor } from './pipeline/deadline.interceptor.js'
import { OutcomeInterceptor } from './pipeline/outcome.interceptor.js'
import { RetryInterceptor } from './pipeline/retry.interceptor.js'
import { TASK_PIPELINE } from './pipeline/task-handler.decorator.js'
import { TASK_PIPELINE_STEPS } from './pipeline/task-pipeline.interceptor.js'
import { AnswerJudge } from './run/answer.judge.js'
import { OutcomeStore } from './run/outcome.store.js'
import { TaskController } from './run/task.controller.js'
import { TaskPreparer } from './run/task.preparer.js'
import { TaskRunner } from './run/task.runner.js'
import { TaskTypesModule } from './types/task-types.module.js'
import { TemplateReferences } from './types/template-references.js'

@Module({})
export class TasksModule {
  /** `imports` bring the adapters of the ports: Ledger, LlmClients, FileStore, PromptRenderer, ResultPublisher. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: TasksModule,
      imports: [TaskTypesModule, OutputModule, ...imports],
      controllers: [DeliveryController, TaskController],
      providers: [
        ...taskMetrics,
        TaskEvents,
        TaskMeter,
        IntakeMeter,
        TaskLog,
        StepMeter,
        IntakeWatch,
        MessageParser,
        TaskIntake,
        OutboxRelay,
        OutboxSweeper,
        OrphanSweeper,
        OutcomeInterceptor,
        DeadlineInterceptor,
        RetryInterceptor,
        { provide: TASK_PIPELINE_STEPS, inject: [...TASK_PIPELINE], useFactory: (...steps: PipelineStep[]) => steps },
        FileBudget,
        TaskFilesReader,
        TaskPreparer,
        TaskRunner,
        AnswerJudge,
        OutcomeStore,
        TemplateReferences,
      ],
      exports: [OutboxRelay, OutboxSweeper, OrphanSweeper, TaskTypesModule],
    }
  }
}
