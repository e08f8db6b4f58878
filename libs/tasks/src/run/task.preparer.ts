import { Injectable } from '@nestjs/common'
import type { TaskMessage } from '#libs/contracts'
import { PromptRenderer, TaskError, TaskTypes, type ClaimedTask, type RenderedPrompt, type TaskType } from '#libs/kernel'
import { TaskFilesReader, type NamedFileRequest } from '../files/task-files.reader.js'
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

/** A prompt that is ready to be sent, and what it keeps in hand. */
export type PreparedPrompt = RenderedPrompt & Disposable

/** Makes a claimed task ready to be sent. Every error is a TaskError. */
@Injectable()
export class TaskPreparer {
  constructor(
    private readonly parser: MessageParser,
    private readonly types: TaskTypes,
    private readonly tenants: TenantDirectory,
    private readonly files: TaskFilesReader,
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

  /**
   * Reads the task's files and makes its messages. `contextWindow` is in tokens. The prompt holds the text of the files: it must be disposed
   * of, so that others get their room.
   */
  async render(known: KnownTask, contextWindow: number | undefined, signal: AbortSignal): Promise<PreparedPrompt> {
    const { task, message, type, call } = known
    using stack = new DisposableStack()
    const files = message.files ? stack.use(await this.files.read(makeRequests(known, message.files), signal)).files : []
    const pinnedVersion = task.promptVersion ?? undefined
    const prompt = this.prompts.render({ message, type, files, contextWindow, pinnedVersion, maxTokens: call.params.max_tokens })
    const inHand = stack.move()
    return { ...prompt, [Symbol.dispose]: () => inHand.dispose() }
  }
}

function makeRequests({ tenant, type }: KnownTask, files: NonNullable<TaskMessage['files']>): NamedFileRequest[] {
  const names = makeFileNames(files)
  return files.map(({ bucket, key, media_type: mediaType }, index) => ({
    name: names[index]!,
    key,
    allowedPrefixes: tenant.filePrefixes,
    maxSizeBytes: type.maxFileBytes,
    ...(bucket && { bucket }),
    ...(mediaType && { mediaType }),
  }))
}
