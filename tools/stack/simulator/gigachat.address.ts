import type { GigachatAddress } from '../stack.addresses.js'

/** The simulator takes any pair unless its settings say otherwise. */
const CREDENTIALS = Buffer.from('sluice-local-client:sluice-local-secret').toString('base64')

export function makeSimulatorAddress(port: number): GigachatAddress {
  const url = `http://127.0.0.1:${port}`
  return { baseUrl: `${url}/api/v1`, authUrl: `${url}/api/v2/oauth`, credentials: CREDENTIALS, controlUrl: `${url}/__sim` }
}
