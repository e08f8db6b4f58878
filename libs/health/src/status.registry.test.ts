import { describe, expect, it } from 'vitest'
import { StatusContributor, StatusRegistry } from '#libs/health'

function contribute(registry: StatusRegistry, name: string, tell: () => unknown): void {
  registry.register(
    new (class extends StatusContributor {
      readonly name = name
      describe = tell
    })(),
  )
}

describe(StatusRegistry.name, () => {
  it('tells every part by its name, whatever the others do', async () => {
    const registry = new StatusRegistry(20)
    contribute(registry, 'quick', () => ({ waiting: 3 }))
    contribute(registry, 'broken', () => {
      throw new Error('defect')
    })
    contribute(registry, 'hanging', () => new Promise(() => undefined))
    await expect(registry.describe()).resolves.toEqual({
      quick: { waiting: 3 },
      broken: { error: ['Error: defect'] },
      hanging: { error: ['it does not answer'] },
    })
  })

  it('refuses a second contributor of the same name', () => {
    const registry = new StatusRegistry()
    contribute(registry, 'work', () => null)
    expect(() => contribute(registry, 'work', () => null)).toThrow('status contributor "work" is registered twice')
  })
})
