import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range from which kernels give ports to clients. From inside it, a client that reconnects to a server which is down can
 * be given that very port and connect to itself, and a server may find its port taken when it restarts.
 */
const LOWEST = 20_000
const HIGHEST = 31_999
const TRIES = 200

/** Ports given to somebody in this process, which may not have bound them yet. */
const given = new Set<number>()

/** A loopback port that is free now. Another process may still be faster, so whoever binds it must be ready to ask again. */
export async function takeFreePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = randomInt(LOWEST, HIGHEST + 1)
    if (given.has(port)) continue
    given.add(port)
    if (await isPortFree(port)) return port
    given.delete(port)
  }
  throw new Error(`no free port found on 127.0.0.1 between ${LOWEST} and ${HIGHEST} in ${TRIES} tries`)
}

export function giveBackPort(port: number): void {
  given.delete(port)
}

export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
