import { Module } from '@nestjs/common'
import { OutputChecker } from '#libs/kernel'
import { CpuModule } from '#libs/resilience'
import { TaskTypesModule } from '../types/task-types.module.js'
import { JsonSchemaOutputChecker } from './json-schema.output-checker.js'

@Module({
  imports: [TaskTypesModule, CpuModule],
  providers: [{ provide: OutputChecker, useClass: JsonSchemaOutputChecker }],
  exports: [OutputChecker],
})
export class OutputModule {}
