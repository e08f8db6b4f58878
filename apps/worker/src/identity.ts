import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** What the service calls itself in logs and metrics. */
export const IDENTITY = { service: 'sluice', version: readVersion() }

function readVersion(): string {
  const path = findPackageJSON('..', import.meta.url)
  return path ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : 'unknown'
}
