import type { TaskMessage } from '#libs/contracts'
import { TaskError, type MaybePaidPolicy, type TaskType } from '#libs/kernel'
import { findSchemaProblem } from '../output/response-schema.js'
import type { Tenant } from './tenant-directory.js'

/** How the model is called for a task. */
export interface ResolvedCall {
  readonly provider: string
  readonly model: string
  readonly params: TaskType['params']
  readonly onMaybePaid: MaybePaidPolicy
  readonly responseSchema: Readonly<Record<string, unknown>> | undefined
}

export type CallResolution = { readonly call: ResolvedCall; readonly error?: never } | { readonly error: TaskError; readonly call?: never }

/** A message may only be stricter than its type. */
const STRICTNESS: Readonly<Record<MaybePaidPolicy, number>> = { retry: 0, hold: 1, fail: 2 }

/** The part of a task's resolution that needs no topic: also for a task that comes back from the ledger. Pure. */
export function resolveCall(message: TaskMessage, type: TaskType, tenant: Tenant): CallResolution {
  const error =
    checkModel(message, type, tenant) ?? checkPolicy(message, type) ?? checkTemplate(message, type) ?? checkResponseSchema(message, type)
  if (error !== undefined) return { error }
  return {
    call: {
      provider: type.provider,
      model: message.model ?? type.model,
      params: resolveParams(message.params, type),
      onMaybePaid: message.on_maybe_paid ?? type.onMaybePaid,
      responseSchema: message.response_schema ?? type.responseSchema,
    },
  }
}

/** `max_tokens` is clamped: asking for more than there is gives what there is. */
function resolveParams(asked: TaskMessage['params'], type: TaskType): TaskType['params'] {
  if (asked === undefined) return type.params
  const limit = type.maxTokensLimit ?? type.params.max_tokens
  return { ...type.params, ...asked, max_tokens: Math.min(asked.max_tokens ?? type.params.max_tokens, limit) }
}

function checkModel({ provider, model }: TaskMessage, type: TaskType, tenant: Tenant): TaskError | undefined {
  if (provider !== undefined && provider !== type.provider) {
    return TaskError.invalid('model_not_allowed', `provider: the task type ${type.name} uses ${type.provider}, not ${provider}`)
  }
  const wanted = model ?? type.model
  const ofType = wanted === type.model || (type.allowedModels?.includes(wanted) ?? false)
  if (!ofType) {
    const allowed = [...new Set([type.model, ...(type.allowedModels ?? [])])]
    return TaskError.invalid('model_not_allowed', `model: the task type ${type.name} allows ${allowed.join(', ')}`)
  }
  if (tenant.models?.includes(wanted) ?? true) return undefined
  return TaskError.invalid('model_not_allowed', `model: tenant ${tenant.name} may not use ${wanted}`)
}

function checkPolicy({ on_maybe_paid: asked }: TaskMessage, type: TaskType): TaskError | undefined {
  if (asked === undefined || STRICTNESS[asked] >= STRICTNESS[type.onMaybePaid]) return undefined
  const allowed = Object.keys(STRICTNESS).slice(STRICTNESS[type.onMaybePaid])
  return TaskError.invalid('invalid_params', `on_maybe_paid: the task type ${type.name} allows ${allowed.join(', ')} (got ${asked})`)
}

/** A type with a template is a fixed one: its tasks bring variables, or a prompt that becomes one of them. */
function checkTemplate({ template, messages }: TaskMessage, type: TaskType): TaskError | undefined {
  if (type.template === undefined) return undefined
  const { name, version } = type.template
  if (messages !== undefined) {
    return TaskError.invalid(
      'invalid_message',
      `messages: the task type ${type.name} has a template, so give template.variables or a prompt`,
    )
  }
  if (template !== undefined && template.name !== name) {
    return TaskError.invalid('invalid_message', `template.name: the task type ${type.name} uses the template ${name}`)
  }
  if (version !== undefined && template?.version !== undefined && template.version !== version) {
    return TaskError.invalid('invalid_message', `template.version: the task type ${type.name} uses version ${version} of ${name}`)
  }
  return undefined
}

function checkResponseSchema({ response_schema: schema }: TaskMessage, type: TaskType): TaskError | undefined {
  if (schema === undefined) return undefined
  if (type.responseSchema !== undefined) {
    return TaskError.invalid('invalid_params', `response_schema: the task type ${type.name} has its own`)
  }
  const problem = findSchemaProblem(schema)
  return problem === undefined ? undefined : TaskError.invalid('invalid_message', `response_schema: ${problem}`)
}
