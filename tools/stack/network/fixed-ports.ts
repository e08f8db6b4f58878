import { FIXED_PORTS } from '../stack.settings.js'
import type { PortName, Ports } from '../stack.settings.js'
import { isPortFree } from './free-port.js'

/** Throws one error that names every port which somebody else has. */
export async function checkFixedPorts(ports: Ports): Promise<void> {
  const asked = Object.entries(ports) as [PortName, number][]
  const free = await Promise.all(asked.map(([, port]) => isPortFree(port)))
  const taken = asked.filter((_, index) => !free[index])
  if (taken.length === 0) return
  throw new Error(taken.map(([name, port]) => `port ${port} is taken: set ${FIXED_PORTS[name].variable} to another`).join('\n'))
}
