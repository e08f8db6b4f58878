import { describe, expect, it } from 'vitest'
import { LogOutput } from '#libs/logging'
import { LogStream } from './log-stream.js'
import { createPrettyStream } from './pretty.stream.js'

const notFound = (): never => {
  throw new Error('Cannot find module')
}

describe(createPrettyStream.name, () => {
  it('is undefined where pino-pretty is not installed', () => {
    expect(createPrettyStream(notFound)).toBeUndefined()
  })

  it('is where people read the log when it is installed', () => {
    const stream = new LogStream({ fd: 1 })
    expect(new LogOutput({ level: 'info', format: 'pretty' }, stream).destination).not.toBe(stream)
  })
})
