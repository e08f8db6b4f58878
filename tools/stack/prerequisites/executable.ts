import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Environment } from '../stack.settings.js'

export async function findExecutable(name: string, env: Environment): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name)
    if (await isExecutable(path)) return path
  }
  return undefined
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** What a program says of itself; Java does so on its standard error. */
export async function readVersionText(command: string, args: readonly string[], env: Environment): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...args], { env: { ...env }, timeout: 20_000 })
    return `${stdout}\n${stderr}`
  } catch {
    return ''
  }
}

/** Compares the numbers between the dots. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [have, need] = [version, oldest].map((text) => text.split('.').map(Number))
  for (const [index, wanted] of (need ?? []).entries()) {
    const found = have?.[index] ?? 0
    if (found !== wanted) return found > wanted
  }
  return true
}
