import { countBrokers } from '../kafka/broker.probe.js'
import { probeMinio } from '../minio/minio.probe.js'
import { probeAddress } from '../replacements.js'
import type { StackAddresses } from '../stack.addresses.js'
import type { PartName } from '../stack.settings.js'

/** Throws unless the server answers. One that hangs still takes connections, so those that we know are asked something. */
export async function probeServer(part: PartName, addresses: StackAddresses, isLocal: boolean): Promise<void> {
  const { kafka, minio } = addresses
  if (isLocal && part === 'kafka' && kafka) await countBrokers(kafka)
  else if (isLocal && part === 'minio' && minio) await probeMinio(minio.endpoint)
  else await probeAddress(part, addresses)
}
