/** The variables of a process, as data. */
export type Environment = Readonly<Record<string, string | undefined>>

export const PART_NAMES = ['postgres', 'kafka', 'minio', 'simulator'] as const
export type PartName = (typeof PART_NAMES)[number]

export const PORT_NAMES = ['postgres', 'kafka', 'kafkaController', 'minio', 'minioConsole', 'simulator'] as const
export type PortName = (typeof PORT_NAMES)[number]
export type Ports = Readonly<Partial<Record<PortName, number>>>

export const PORTS_OF_PARTS: Readonly<Record<PartName, readonly PortName[]>> = {
  postgres: ['postgres'],
  kafka: ['kafka', 'kafkaController'],
  minio: ['minio', 'minioConsole'],
  simulator: ['simulator'],
}

interface FixedPort {
  readonly variable: string
  readonly byDefault: number
}

/** Ports of `npm run stack -- up`: away from the servers' usual ones, and below the range that the kernel gives to clients. */
export const FIXED_PORTS: Readonly<Record<PortName, FixedPort>> = {
  postgres: { variable: 'STACK_POSTGRES_PORT', byDefault: 15432 },
  kafka: { variable: 'STACK_KAFKA_PORT', byDefault: 19092 },
  kafkaController: { variable: 'STACK_KAFKA_CONTROLLER_PORT', byDefault: 19093 },
  minio: { variable: 'STACK_MINIO_PORT', byDefault: 19000 },
  minioConsole: { variable: 'STACK_MINIO_CONSOLE_PORT', byDefault: 19001 },
  simulator: { variable: 'STACK_SIMULATOR_PORT', byDefault: 18080 },
}

/** In MB. */
export function readKafkaHeap(env: Environment): number {
  const heapMb = Number(env.STACK_KAFKA_HEAP_MB || 512)
  if (!Number.isInteger(heapMb) || heapMb < 128)
    throw new Error(`STACK_KAFKA_HEAP_MB must be a whole number from 128 (got ${env.STACK_KAFKA_HEAP_MB})`)
  return heapMb
}

export function readFixedPorts(env: Environment): Record<PortName, number> {
  const wrong: string[] = []
  const ports = Object.fromEntries(
    PORT_NAMES.map((name) => {
      const { variable, byDefault } = FIXED_PORTS[name]
      const given = env[variable]
      const port = given === undefined || given === '' ? byDefault : Number(given)
      if (!Number.isInteger(port) || port < 1 || port > 65_535) wrong.push(`${variable} must be a port from 1 to 65535 (got ${given})`)
      return [name, port]
    }),
  ) as Record<PortName, number>
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return ports
}
