import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT_FOLDER } from './project.folder.js'

export interface StartCommand {
  /** Of Node. */
  readonly flags: readonly string[]
  /** Absolute. */
  readonly main: string
}

/** How the service is started in production: `start:prod` of package.json, the only place that says so. */
export async function readStartCommand(): Promise<StartCommand> {
  const { scripts } = JSON.parse(await readFile(join(PROJECT_FOLDER, 'package.json'), 'utf8')) as {
    readonly scripts: Record<string, string>
  }
  const [node, ...words] = scripts['start:prod']!.split(' ')
  const main = words.pop()
  if (node !== 'node' || main === undefined)
    throw new Error(`start:prod of package.json is not "node <flags> <file>": ${scripts['start:prod']}`)
  return { flags: words, main: join(PROJECT_FOLDER, main) }
}
