import type { FieldProblem } from '#libs/config'
import type { TaskType } from '#libs/kernel'
import { SPENDING_CLASSES } from '../deferral/error-classes.js'
import { findStrictSchemaProblem } from '../output/response-schema.js'
import type { TaskTypeFile } from './task-type.schema.js'
import type { TaskTypesSettings } from './task-types.settings.js'

/** Mandatory, so that no task can spend without a limit that somebody could have read. */
const DEFAULT_MAX_TOKENS = 1_024

interface MadeTaskType {
  readonly type: TaskType
  readonly problems: readonly FieldProblem[]
}

/** Puts the defaults in, and checks what one field says against another. */
export function makeTaskType(
  name: string,
  file: TaskTypeFile,
  defaults: Pick<TaskTypesSettings, 'defaultProvider' | 'defaultModels'>,
): MadeTaskType {
  const provider = file.provider ?? defaults.defaultProvider
  const type: TaskType = {
    name,
    provider,
    model: file.model ?? defaults.defaultModels[provider] ?? '',
    params: Object.freeze({ ...file.params, max_tokens: file.params?.max_tokens ?? file.max_tokens_limit ?? DEFAULT_MAX_TOKENS }),
    stream: file.stream,
    ordering: file.ordering,
    maxAttempts: file.max_attempts,
    deferralMs: makeSchedules(file),
    onMaybePaid: file.on_maybe_paid,
    maxMaybePaid: file.max_maybe_paid,
    maxFileBytes: file.max_file_size,
    ...(file.tenants && { tenants: file.tenants }),
    ...(file.allowed_models && { allowedModels: file.allowed_models }),
    ...(file.max_tokens_limit !== undefined && { maxTokensLimit: file.max_tokens_limit }),
    ...(file.template && { template: makeTemplate(file.template) }),
    ...(file.response_schema && { responseSchema: file.response_schema }),
  }
  return { type: Object.freeze(type), problems: findProblems(type, file) }
}

/** The single list is for the classes that spend attempts: what only waits is nothing that a type would know better. */
function makeSchedules({ deferral, deferral_by_class: byClass }: TaskTypeFile): TaskType['deferralMs'] {
  const shared = deferral ? SPENDING_CLASSES.map((name) => [name, deferral] as const) : []
  const own = Object.entries(byClass).filter(([, schedule]) => schedule !== undefined)
  return Object.freeze(Object.fromEntries([...shared, ...own]) as TaskType['deferralMs'])
}

function makeTemplate({ name, version }: NonNullable<TaskTypeFile['template']>): NonNullable<TaskType['template']> {
  return version === undefined ? { name } : { name, version }
}

function findProblems(type: TaskType, file: TaskTypeFile): FieldProblem[] {
  const problems: FieldProblem[] = []
  if (file.name !== undefined && file.name !== type.name) {
    problems.push({ path: 'name', problem: `must be ${type.name}, as the file is named, or left out (got ${file.name})` })
  }
  if (type.model === '') {
    problems.push({ path: 'model', problem: `is missing: provider ${type.provider} has no default model in the settings` })
  }
  if (type.maxTokensLimit !== undefined && type.maxTokensLimit < type.params.max_tokens) {
    problems.push({
      path: 'max_tokens_limit',
      problem: `must be at least params.max_tokens (got ${type.maxTokensLimit} < ${type.params.max_tokens})`,
    })
  }
  const schemaProblem = type.responseSchema && findStrictSchemaProblem(type.responseSchema)
  if (schemaProblem !== undefined) problems.push({ path: 'response_schema', problem: schemaProblem })
  return problems
}
