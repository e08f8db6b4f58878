import { AsyncLocalStorage } from 'node:async_hooks'
import { Injectable } from '@nestjs/common'
import type { PipelineContext } from '#libs/kernel'

/** Fields of a log line that come from where it was written. */
export interface LogFields {
  readonly trace_id?: string
  readonly span_id?: string
  readonly correlation_id?: string
  readonly tenant?: string
  readonly task_id?: string
  readonly task_type?: string
  readonly run?: number
  readonly attempt?: number
  readonly topic?: string
  readonly partition?: number
  readonly settings_version?: number
}

/** What is being worked on. `fields` are those that became known later; they win. */
export interface LogScope {
  readonly pipeline: PipelineContext | null
  fields: LogFields | null
}

/**
 * Carries what is being worked on to every log line that is written meanwhile, through all awaits. It holds a reference only: fields are
 * put together when a line is really written, since most tasks write none.
 */
@Injectable()
export class LogContext {
  private readonly storage = new AsyncLocalStorage<LogScope>()

  get current(): LogScope | undefined {
    return this.storage.getStore()
  }

  /** Runs one dispatch of the pipeline. */
  runPipeline<T>(pipeline: PipelineContext, work: () => T): T {
    return this.storage.run({ pipeline, fields: null }, work)
  }

  /** Runs work outside of the pipeline, or a part of it, with more fields. */
  run<T>(fields: LogFields, work: () => T): T {
    const outer = this.storage.getStore()
    return this.storage.run({ pipeline: outer?.pipeline ?? null, fields: { ...outer?.fields, ...fields } }, work)
  }

  /** Adds fields to the work that is running; does nothing outside of any. */
  add(fields: LogFields): void {
    const scope = this.storage.getStore()
    if (scope !== undefined) scope.fields = { ...scope.fields, ...fields }
  }
}
