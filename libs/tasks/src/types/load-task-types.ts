import { listYamlFiles, readYamlFile, type SettingsProblem } from '#libs/config'
import { TASK_LIMITS } from '#libs/contracts'
import type { TaskType } from '#libs/kernel'
import { join } from 'node:path'
import { DEFAULT_TASK_TYPE } from './resolve-task.js'
import { makeTaskType } from './make-task-type.js'
import { taskTypeFileSchema } from './task-type.schema.js'
import type { TaskTypesSettings } from './task-types.settings.js'

export interface LoadedTaskTypes {
  readonly types: readonly TaskType[]
  readonly problems: readonly SettingsProblem[]
}

/** Reads and checks every file, so that an operator sees the problems of all of them at once. Never throws. */
export function loadTaskTypes(settings: TaskTypesSettings): LoadedTaskTypes {
  const listed = listYamlFiles(settings.folder)
  if (listed.problem !== undefined)
    return { types: [], problems: [{ setting: `TASK_TYPES_DIR ${settings.folder}`, problem: listed.problem }] }
  const loaded = listed.names.map((file) => loadOne(settings, file))
  const types = loaded.flatMap(({ types: found }) => found)
  return { types, problems: [...loaded.flatMap(({ problems }) => problems), ...findSetProblems(settings.folder, listed.names)] }
}

function loadOne(settings: TaskTypesSettings, file: string): LoadedTaskTypes {
  const path = join(settings.folder, file)
  const name = typeNameOf(file)
  const inFile = (at: string, problem: string) => ({ setting: at === '' ? path : `${path} ${at}`, problem })
  if (!TASK_LIMITS.namePattern.test(name)) {
    return { types: [], problems: [inFile('', 'the file must be named by its type: 1 to 64 of A-Z a-z 0-9 . _ -')] }
  }
  const checked = readYamlFile(path, taskTypeFileSchema)
  if (checked.value === undefined) return { types: [], problems: checked.problems.map(({ path: at, problem }) => inFile(at, problem)) }
  const { type, problems } = makeTaskType(name, checked.value, settings)
  return { types: [type], problems: problems.map(({ path: at, problem }) => inFile(at, problem)) }
}

function findSetProblems(folder: string, files: readonly string[]): SettingsProblem[] {
  const names = files.map(typeNameOf)
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  const problems = twice.map((name) => ({ setting: join(folder, name), problem: 'is there as .yaml and as .yml: remove one of them' }))
  if (names.includes(DEFAULT_TASK_TYPE)) return problems
  return [
    ...problems,
    { setting: `TASK_TYPES_DIR ${folder}`, problem: `has no ${DEFAULT_TASK_TYPE}.yaml: the type of tasks that name none` },
  ]
}

function typeNameOf(file: string): string {
  return file.replace(/\.ya?ml$/, '')
}
