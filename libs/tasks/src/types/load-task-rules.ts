import { SettingsError, type SettingsProblem } from '#libs/config'
import { FileTaskTypes } from './file-task-types.js'
import { loadTaskTypes } from './load-task-types.js'
import { loadTenants } from './load-tenants.js'
import type { TaskTypesSettings } from './task-types.settings.js'
import type { TenantDirectory } from './tenant-directory.js'

export interface TaskRules {
  readonly types: FileTaskTypes
  readonly tenants: TenantDirectory
}

/** Task types and tenants together, since each names the other. Throws SettingsError with the problems of all their files. */
export function loadTaskRules(settings: TaskTypesSettings): TaskRules {
  const { types, problems: typeProblems } = loadTaskTypes(settings)
  const { directory, problems: tenantProblems } = loadTenants(settings.tenantsFile, settings.answersPrefix)
  const rules = { types: new FileTaskTypes(types), tenants: directory }
  // A file that could not be read would make every reference to it look wrong.
  const broken = [...typeProblems, ...tenantProblems]
  const problems = broken.length > 0 ? broken : findUnknownReferences(rules, settings)
  if (problems.length > 0) throw new SettingsError(problems)
  return rules
}

function findUnknownReferences({ types, tenants }: TaskRules, settings: TaskTypesSettings): SettingsProblem[] {
  const ofTypes = types.all.flatMap((type) =>
    (type.tenants ?? [])
      .filter((name) => tenants.find(name) === undefined)
      .map((name) => ({
        setting: `${settings.folder}/${type.name}.yaml tenants`,
        problem: `names the tenant ${name}, which does not exist`,
      })),
  )
  const ofTenants = tenants.all.flatMap((tenant) =>
    (tenant.taskTypes ?? [])
      .filter((name) => types.find(name) === undefined)
      .map((name) => ({
        setting: `TENANTS_FILE ${settings.tenantsFile} tenants.${tenant.name}.task_types`,
        problem: `names the type ${name}, which does not exist`,
      })),
  )
  return [...ofTypes, ...ofTenants]
}
