import { probeTcp } from './network/tcp-probe.js'
import { probeDatabase } from './postgres/database.admin.js'
import type { StackAddresses } from './stack.addresses.js'
import type { Environment, PartName } from './stack.settings.js'

/** Servers that the environment names; they are used instead of starting any. Throws one error with all that is incomplete. */
export function readReplacements(env: Environment, parts: readonly PartName[]): StackAddresses {
  const missing: string[] = []
  const read = (variable: string, ...together: string[]): string | undefined => {
    const given = [variable, ...together].filter((name) => env[name])
    if (given.length === 0) return undefined
    const absent = [variable, ...together].filter((name) => !env[name])
    if (absent.length > 0) missing.push(`${given.join(' and ')} without ${absent.join(' and ')}: set all of them, or none`)
    return env[variable]
  }
  const text = (variable: string) => env[variable] ?? ''
  const found: StackAddresses = {
    ...(read('DATABASE_URL') && { postgres: text('DATABASE_URL') }),
    ...(read('KAFKA_BROKERS') && {
      kafka: text('KAFKA_BROKERS')
        .split(',')
        .map((broker) => broker.trim()),
    }),
    ...(read('S3_ENDPOINT', 'S3_ACCESS_KEY', 'S3_SECRET_KEY') && {
      minio: { endpoint: text('S3_ENDPOINT'), accessKey: text('S3_ACCESS_KEY'), secretKey: text('S3_SECRET_KEY') },
    }),
    ...(read('GIGACHAT_BASE_URL', 'GIGACHAT_AUTH_URL', 'GIGACHAT_CREDENTIALS') && {
      simulator: {
        baseUrl: text('GIGACHAT_BASE_URL'),
        authUrl: text('GIGACHAT_AUTH_URL'),
        credentials: text('GIGACHAT_CREDENTIALS'),
        ...(env.GIGACHAT_CONTROL_URL && { controlUrl: env.GIGACHAT_CONTROL_URL }),
      },
    }),
  }
  if (missing.length > 0) throw new Error(missing.join('\n'))
  return Object.fromEntries(Object.entries(found).filter(([part]) => parts.includes(part as PartName)))
}

const VARIABLES: Readonly<Record<PartName, string>> = {
  postgres: 'DATABASE_URL',
  kafka: 'KAFKA_BROKERS',
  minio: 'S3_ENDPOINT',
  simulator: 'GIGACHAT_BASE_URL',
}

/** Throws one error that names every address behind which nobody answers. */
export async function checkReachable(replacements: StackAddresses): Promise<void> {
  const parts = Object.keys(replacements) as PartName[]
  const checks = await Promise.allSettled(parts.map((part) => probeAddress(part, replacements)))
  const failures = checks.flatMap((check, index) =>
    check.status === 'rejected' ? [`${VARIABLES[parts[index] ?? 'postgres']}: ${(check.reason as Error).message}`] : [],
  )
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

/** Somebody else's server may want TLS or a login that we do not know: that it takes a connection is all that is asked of it. */
const PROBES: Readonly<Record<PartName, (addresses: Required<StackAddresses>) => Promise<void>>> = {
  postgres: ({ postgres }) => probeDatabase(postgres),
  kafka: ({ kafka }) => Promise.any(kafka.map(probeBroker)).catch(throwFirst),
  minio: ({ minio }) => probeUrl(minio.endpoint),
  simulator: ({ simulator }) => probeUrl(simulator.baseUrl),
}

/** Throws when nobody answers there; a part without an address cannot fail. */
export async function probeAddress(part: PartName, addresses: StackAddresses): Promise<void> {
  if (addresses[part] !== undefined) await PROBES[part](addresses as Required<StackAddresses>)
}

async function probeBroker(broker: string): Promise<void> {
  const { hostname, port } = new URL(`kafka://${broker}`)
  await probeTcp(hostname, Number(port || 9092))
}

async function probeUrl(address: string): Promise<void> {
  const { hostname, port, protocol } = new URL(address)
  await probeTcp(hostname.replace(/^\[|\]$/g, ''), Number(port || (protocol === 'https:' ? 443 : 80)))
}

function throwFirst(failure: unknown): never {
  throw failure instanceof AggregateError ? failure.errors[0] : failure
}
