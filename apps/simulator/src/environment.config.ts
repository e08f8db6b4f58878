import { readFileSync } from 'node:fs'
import type { SimulatorOptions, TlsFiles } from './simulator.js'

/** Reads the SIMULATOR_* variables; an error names the variable that is wrong. */
export function readOptions(env: NodeJS.ProcessEnv): SimulatorOptions {
  const port = Number(env.SIMULATOR_PORT ?? '0')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`SIMULATOR_PORT must be 0-65535 (got ${env.SIMULATOR_PORT})`)
  const tls = readTls(env)
  return {
    host: env.SIMULATOR_HOST ?? '127.0.0.1',
    port,
    ...(tls !== undefined && { tls }),
    ...(env.SIMULATOR_SETTINGS !== undefined && { settings: parseSettings(env.SIMULATOR_SETTINGS) }),
  }
}

function readTls(env: NodeJS.ProcessEnv): TlsFiles | undefined {
  const cert = env.SIMULATOR_TLS_CERT_FILE
  const key = env.SIMULATOR_TLS_KEY_FILE
  const clientCa = env.SIMULATOR_TLS_CLIENT_CA_FILE
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined
  if (cert === undefined || key === undefined) throw new Error('SIMULATOR_TLS_CERT_FILE and SIMULATOR_TLS_KEY_FILE must be set together')
  return {
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
    ...(clientCa !== undefined && { clientCa: readFileSync(clientCa, 'utf8') }),
  }
}

function parseSettings(text: string): NonNullable<SimulatorOptions['settings']> {
  try {
    return JSON.parse(text) as NonNullable<SimulatorOptions['settings']>
  } catch (error) {
    throw new Error('SIMULATOR_SETTINGS must be a JSON object', { cause: error })
  }
}
