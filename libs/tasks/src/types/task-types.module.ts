import { TaskTypes } from '#libs/kernel'
import { Module } from '@nestjs/common'
import { loadTaskRules, type TaskRules } from './load-task-rules.js'
import { taskTypesSettings } from './task-types.settings.js'
import { TenantDirectory } from './tenant-directory.js'

const TASK_RULES = Symbol('sluice.tasks.rules')

/** Task types and tenants, checked at start. */
@Module({
  providers: [
    { provide: TASK_RULES, inject: [taskTypesSettings.KEY], useFactory: loadTaskRules },
    { provide: TaskTypes, inject: [TASK_RULES], useFactory: ({ types }: TaskRules) => types },
    { provide: TenantDirectory, inject: [TASK_RULES], useFactory: ({ tenants }: TaskRules) => tenants },
  ],
  exports: [TaskTypes, TenantDirectory],
})
export class TaskTypesModule {}
