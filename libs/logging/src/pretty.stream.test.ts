import { describe, expect, it } from 'vitest'
import { createPrettyStream } from './pretty.stream.js'

const notFound = (): never => {
  throw new Error('Cannot find module')
}

describe(createPrettyStream.name, () => {
  it('is undefined where pino-pretty is not installed', () => {
    expect(createPrettyStream(notFound)).toBeUndefined()
  })

  it('is a stream where it is installed', () => {
    expect(createPrettyStream()).toHaveProperty('write')
  })
})
