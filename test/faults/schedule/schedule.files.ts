import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT_FOLDER } from '#tools/rig'
import { scheduleSchema, type Schedule } from './schedule.schema.js'

const SCHEDULES = join(PROJECT_FOLDER, 'test/faults/schedules')
const REGRESSIONS = join(PROJECT_FOLDER, 'test/faults/regressions')

/** All schedules, and those that once failed, in the order of their rows. Throws with the file's name where one is wrong. */
export async function readSchedules(): Promise<Schedule[]> {
  const folders = await Promise.all([readFolder(SCHEDULES), readFolder(REGRESSIONS)])
  return folders.flat().toSorted((a, b) => a.row.localeCompare(b.row, 'en', { numeric: true }) || a.seed - b.seed)
}

export async function readSchedule(row: string): Promise<Schedule> {
  return readFile(join(SCHEDULES, `${row}.json`), 'utf8').then((text) => parse(row, text))
}

/** Keeps a schedule that failed, with its seed, for every later run. Gives the file's path. */
export async function saveRegression(schedule: Schedule): Promise<string> {
  await mkdir(REGRESSIONS, { recursive: true })
  const file = join(REGRESSIONS, `${schedule.row}-${schedule.seed}.json`)
  await writeFile(file, `${JSON.stringify(schedule, null, 2)}\n`)
  return file
}

async function readFolder(folder: string): Promise<Schedule[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'))
  return Promise.all(names.map(async (name) => parse(name, await readFile(join(folder, name), 'utf8'))))
}

function parse(name: string, text: string): Schedule {
  const { success, data, error } = scheduleSchema.safeParse(JSON.parse(text))
  if (success) return data
  throw new Error(`schedule ${name}: ${error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
}
