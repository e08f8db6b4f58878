import tls from 'node:tls'
import type { SettingsProblem } from '#libs/config'
import { secureContextOf, type TlsFiles } from './tls.js'

/** Tries the PEM texts at start, each setting by itself, so that a problem names the one that is wrong. */
export function checkTlsFiles(files: TlsFiles, prefix: string): SettingsProblem[] {
  const problems: SettingsProblem[] = []
  if (files.caBundle !== undefined) attempt(`${prefix}_CA_BUNDLE_FILE`, () => tls.createSecureContext({ ca: files.caBundle! }))
  if ((files.cert === undefined) !== (files.key === undefined)) {
    const missing = files.cert === undefined ? `${prefix}_CERT_FILE` : `${prefix}_KEY_FILE`
    problems.push({ setting: missing, problem: 'is missing: a client certificate and its key belong together' })
  } else if (files.cert !== undefined) {
    attempt(`${prefix}_CERT_FILE`, () => tls.createSecureContext({ cert: files.cert! }))
    attempt(`${prefix}_KEY_FILE`, () => secureContextOf(files))
  }
  return problems

  function attempt(setting: string, make: () => unknown): void {
    try {
      make()
    } catch (error) {
      problems.push({ setting, problem: `cannot be used: ${(error as Error).message}` })
    }
  }
}
