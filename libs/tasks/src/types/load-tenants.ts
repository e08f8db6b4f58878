import { readYamlFile, type FieldProblem, type SettingsProblem } from '#libs/config'
import { ANY_TOPIC, TenantDirectory, type Tenant } from './tenant-directory.js'
import { tenantsFileSchema, type TenantsFile } from './tenants.schema.js'

const DEFAULT_TENANT: Tenant = { name: 'default', filePrefixes: ['inputs/'] }

export interface LoadedTenants {
  readonly directory: TenantDirectory
  readonly problems: readonly SettingsProblem[]
}

/**
 * Without a file there is one tenant, `default`, on every topic. The answers of all tenants lie under `answersPrefix`, so none may read
 * there. Never throws.
 */
export function loadTenants(path: string | undefined, answersPrefix: string): LoadedTenants {
  if (path === undefined) {
    return { directory: new TenantDirectory([DEFAULT_TENANT], new Map([[ANY_TOPIC, [DEFAULT_TENANT.name]]])), problems: [] }
  }
  const { value, problems } = readYamlFile(path, tenantsFileSchema)
  const inFile = (at: string, problem: string) => ({ setting: `TENANTS_FILE ${path}${at === '' ? '' : ` ${at}`}`, problem })
  if (value === undefined) {
    return { directory: new TenantDirectory([], new Map()), problems: problems.map(({ path: at, problem }) => inFile(at, problem)) }
  }
  const found = [...findUnknownTenants(value), ...findReadableAnswers(value, answersPrefix)]
  return { directory: makeDirectory(value), problems: found.map(({ path: at, problem }) => inFile(at, problem)) }
}

function findUnknownTenants({ tenants, topics }: TenantsFile): FieldProblem[] {
  return Object.entries(topics).flatMap(([topic, names]) =>
    names
      .filter((name) => !Object.hasOwn(tenants, name))
      .map((name) => ({ path: `topics.${topic}`, problem: `names the tenant ${name}, which is not under tenants` })),
  )
}

function findReadableAnswers({ tenants }: TenantsFile, answersPrefix: string): FieldProblem[] {
  return Object.entries(tenants).flatMap(([name, { file_prefixes: prefixes }]) =>
    prefixes
      .filter((prefix) => prefix.startsWith(answersPrefix) || answersPrefix.startsWith(prefix))
      .map((prefix) => ({
        path: `tenants.${name}.file_prefixes`,
        problem: `must not reach the answers of all tenants in ${answersPrefix} (got ${prefix})`,
      })),
  )
}

function makeDirectory({ tenants, topics }: TenantsFile): TenantDirectory {
  const all = Object.entries(tenants).map(([name, rules]) => ({
    name,
    filePrefixes: rules.file_prefixes,
    ...(rules.task_types && { taskTypes: rules.task_types }),
    ...(rules.models && { models: rules.models }),
  }))
  return new TenantDirectory(all, new Map(Object.entries(topics)))
}
