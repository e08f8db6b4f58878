import { PART_TITLES } from '../parts.js'
import type { StackAddresses } from '../stack.addresses.js'
import type { PartName } from '../stack.settings.js'

/** One line a part: where it is, without what opens it. */
export function describeStack(addresses: StackAddresses): string {
  const parts = Object.keys(addresses) as PartName[]
  return parts.map((part) => `${PART_TITLES[part].padEnd(20)} ${describeAddress(part, addresses)}`).join('\n')
}

export function describeAddress(part: PartName, { postgres, kafka, minio, simulator }: StackAddresses): string {
  const texts: Record<PartName, string | undefined> = {
    postgres: postgres?.replace(/:[^:@/]*@/, ':***@'),
    kafka: kafka?.join(','),
    minio: minio?.endpoint,
    simulator: simulator?.baseUrl,
  }
  return texts[part] ?? ''
}
