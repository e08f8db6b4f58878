import { describe, expect, it } from 'vitest'
import { TenantDirectory } from './tenant-directory.js'

const acme = { name: 'acme', filePrefixes: [] }
const beta = { name: 'beta', filePrefixes: [] }
const directory = new TenantDirectory(
  [acme, beta],
  new Map([
    ['one', ['acme']],
    ['two', ['acme', 'beta']],
  ]),
)

describe(TenantDirectory.name, () => {
  it('finds a tenant by its name', () => {
    expect(directory.find('beta')).toBe(beta)
    expect(directory.find('gamma')).toBeUndefined()
  })

  it('takes the only tenant of a topic where none is named', () => {
    expect(directory.resolve('one', undefined)).toEqual({ tenant: acme })
  })

  it('takes the named one where the topic has it', () => {
    expect(directory.resolve('two', 'beta')).toEqual({ tenant: beta })
  })

  it.each([
    ['one', 'beta', 'tenant: beta may not send on topic one'],
    ['two', 'gamma', 'tenant: gamma may not send on topic two'],
    ['two', undefined, 'tenant: must be given, topic two has several'],
    ['three', undefined, 'tenant: topic three has none'],
    ['three', 'acme', 'tenant: acme may not send on topic three'],
  ])('refuses on topic %s tenant %s', (topic, name, message) => {
    expect(directory.resolve(topic, name).error).toMatchObject({ code: 'tenant_not_allowed', message })
  })
})
