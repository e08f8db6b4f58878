import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import type { SettingsProblem } from '#libs/config'
import { secureContextOf, type TlsFiles } from './tls.js'

/** Tries the PEM texts at start, each setting by itself, so that a problem names the one that is wrong. */
export function checkTlsFiles(files: TlsFiles, prefix: string): SettingsProblem[] {
  const problems: SettingsProblem[] = []
  if (files.caBundle !== undefined) attempt(`${prefix}_CA_BUNDLE_FILE`, () => readCertificates(files.caBundle!))
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

/** createSecureContext takes a bundle without a certificate in silence. */
function readCertificates(bundle: string): X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (!blocks) throw new Error('it holds no certificate in PEM format')
  return blocks.map((block) => new X509Certificate(block))
}
