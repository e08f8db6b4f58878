import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

/** A problem with one setting, for a person: what is wrong and what to write instead. */
export interface SettingsProblem {
  readonly setting: string
  readonly problem: string
}

/**
 * Replaces every `X_FILE` whose `X` a section knows by the contents of that file, without the newline at its end: secrets are mounted as
 * files and stay out of the process list. The file wins over `X`.
 */
export function resolveSecretFiles(env: Environment, known: ReadonlySet<string>): { env: Environment; problems: SettingsProblem[] } {
  const resolved: Record<string, string | undefined> = { ...env }
  const problems: SettingsProblem[] = []
  for (const [name, path] of Object.entries(env)) {
    const target = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : undefined
    if (target === undefined || !known.has(target) || !path) continue
    try {
      resolved[target] = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    } catch (error) {
      problems.push({ setting: name, problem: `cannot read ${path}: ${(error as Error).message}` })
    }
  }
  return { env: resolved, problems }
}
