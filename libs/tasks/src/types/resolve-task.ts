import type { TaskMessage } from '#libs/contracts'
import { TaskError, type PromptRenderer, type TaskType, type TaskTypes } from '#libs/kernel'
import { estimateTaskTokens } from './estimate-task-tokens.js'
import { findFileNameProblem } from './file-names.js'
import { resolveCall, type ResolvedCall } from './resolve-call.js'
import type { Tenant, TenantDirectory } from './tenant-directory.js'

/** The type of a task that names none. */
export const DEFAULT_TASK_TYPE = 'prompt'
const DEFAULT_PRIORITY = 5

/** What a message means under the rules of its topic, tenant and type. */
export interface ResolvedTask extends ResolvedCall {
  readonly tenant: Tenant
  readonly type: TaskType
  readonly priority: number
  readonly deadlineMs: number | null
  readonly hasFiles: boolean
  /** Prompt and answer together, on the safe side. */
  readonly estimatedTokens: number
}

/** What a message is looked up in. */
export interface ResolutionRules {
  readonly types: TaskTypes
  readonly tenants: TenantDirectory
  readonly prompts: Pick<PromptRenderer, 'estimateTemplateTokens'>
}

export type TaskResolution = { readonly task: ResolvedTask; readonly error?: never } | { readonly error: TaskError; readonly task?: never }

/**
 * Decides whether a message may be done as it asks, and with what. Pure: the same message under the same rules gives the same task. Errors:
 * `tenant_not_allowed`, `unknown_task_type`, `model_not_allowed`, `invalid_params`, `invalid_message`.
 */
export function resolveTask(message: TaskMessage, topic: string, rules: ResolutionRules): TaskResolution {
  const { tenant, error: tenantError } = rules.tenants.resolve(topic, message.tenant)
  if (tenantError) return { error: tenantError }
  const typeName = message.type ?? DEFAULT_TASK_TYPE
  const type = rules.types.find(typeName)
  if (type === undefined) return { error: TaskError.invalid('unknown_task_type', `type: there is no task type ${typeName}`) }
  if (!mayUse(tenant, type)) {
    return { error: TaskError.invalid('tenant_not_allowed', `type: tenant ${tenant.name} may not use the task type ${type.name}`) }
  }
  const fileProblem = findFileNameProblem(message.files)
  if (fileProblem !== undefined) return { error: TaskError.invalid('invalid_message', fileProblem) }
  const { call, error: callError } = resolveCall(message, type, tenant)
  if (callError) return { error: callError }
  const promptTokens = estimateTaskTokens(message, rules.prompts.estimateTemplateTokens(message, type))
  return { task: makeTask(message, { tenant, type, call, promptTokens }) }
}

function mayUse(tenant: Tenant, type: TaskType): boolean {
  return (type.tenants?.includes(tenant.name) ?? true) && (tenant.taskTypes?.includes(type.name) ?? true)
}

function makeTask(
  message: TaskMessage,
  { tenant, type, call, promptTokens }: { tenant: Tenant; type: TaskType; call: ResolvedCall; promptTokens: number },
): ResolvedTask {
  return {
    ...call,
    tenant,
    type,
    priority: message.priority ?? DEFAULT_PRIORITY,
    deadlineMs: message.deadline === undefined ? null : Date.parse(message.deadline),
    hasFiles: message.files !== undefined && message.files.length > 0,
    estimatedTokens: promptTokens + call.params.max_tokens,
  }
}
