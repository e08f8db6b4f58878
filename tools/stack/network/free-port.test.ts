import { describe, expect, it, onTestFinished } from 'vitest'
import { occupyPort } from '../testing/occupied.port.js'
import { giveBackPort, isPortFree, takeFreePort } from './free-port.js'

describe(takeFreePort.name, () => {
  it('gives no port twice, even before anybody has bound one', async () => {
    const ports = await Promise.all(Array.from({ length: 100 }, takeFreePort))
    onTestFinished(() => ports.forEach(giveBackPort))
    expect(new Set(ports).size).toBe(100)
  })

  it('stays below the range from which a client could be given the port of a server that is down', async () => {
    const port = await takeFreePort()
    onTestFinished(() => giveBackPort(port))
    expect(port).toBeLessThan(32_768)
    expect(port).toBeGreaterThan(1_023)
  })
})

describe(isPortFree.name, () => {
  it('is false where somebody listens', async () => {
    expect(await isPortFree(await occupyPort())).toBe(false)
  })

  it('is true where nobody does', async () => {
    const port = await takeFreePort()
    onTestFinished(() => giveBackPort(port))
    expect(await isPortFree(port)).toBe(true)
  })
})
