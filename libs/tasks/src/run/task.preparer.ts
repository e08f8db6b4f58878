import { Injectable } from '@nestjs/common'
import type { TaskMessage } from '#libs/contracts'
import { FileStore, PromptRenderer, TaskError, TaskTypes, type ClaimedTask, type RenderedPrompt, type TaskType } from '#libs/kernel'
import { MessageParser } from '../intake/message-parser.js'
import { makeFileNames } from '../types/file-names.js'
import { resolveCall, type ResolvedCall } from '../types/resolve-call.js'
import { TenantDirectory, type Tenant } from '../types/tenant-directory.js'

/** A claimed task under the rules that hold now. */
export interface KnownTask {
  readonly task: ClaimedTask
  readonly message: TaskMessage
  readonly type: TaskType
  readonly tenant: Tenant
  readonly call: ResolvedCall
}

/** Makes a claimed task ready to be sent. Every error is a TaskError. */
@Injectable()
export class TaskPreparer {
  constructor(
    private readonly parser: MessageParser,
    private readonly types: TaskTypes,
    private readonly tenants: TenantDirectory,
    private readonly files: FileStore,
    private readonly prompts: PromptRenderer,
  ) {}

  /** Reads the stored message again. What was allowed at accept may have been withdrawn since: then it is refused now. */
  recognise(task: ClaimedTask): KnownTask {
    const type = this.types.find(task.type)
    if (!type) throw TaskError.invalid('unknown_task_type', `type: there is no task type ${task.type} any more`)
    const tenant = this.tenants.find(task.tenant)
    if (!tenant) throw TaskError.invalid('tenant_not_allowed', `tenant: there is no tenant ${task.tenant} any more`)
    const { message, error } = this.parser.parseStored(task.payload)
    if (error) throw error
    const { call, error: callError } = resolveCall(message, type, tenant)
    if (callError) throw callError
    return { task, message, type, tenant, call }
  }

  /** Reads the task's files and makes its messages. `contextWindow` is in tokens. */
  async render(known: KnownTask, contextWindow: number | undefined, signal: AbortSignal): Promise<RenderedPrompt> {
    const { task, message, type, call } = known
    const files = message.files ? await this.readFiles(known, message.files, signal) : []
    const pinnedVersion = task.promptVersion ?? undefined
    return this.prompts.render({ message, type, files, contextWindow, pinnedVersion, maxTokens: call.params.max_tokens })
  }

  private readFiles({ tenant, type }: KnownTask, files: NonNullable<TaskMessage['files']>, signal: AbortSignal) {
    const names = makeFileNames(files)
    return Promise.all(
      files.map(async ({ bucket, key, media_type: mediaType }, index) => {
        const request = {
          key,
          allowedPrefixes: tenant.filePrefixes,
          maxSizeBytes: type.maxFileBytes,
          ...(bucket && { bucket }),
          ...(mediaType && { mediaType }),
        }
        return { ...(await this.files.readText(request, signal)), name: names[index]! }
      }),
    )
  }
}
